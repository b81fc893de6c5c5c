/* render.h: the intent, as far as it concerns one node, to the desired state of its kernel. Pure.
 */
#ifndef KAR_NETCFG_RENDER_H
#define KAR_NETCFG_RENDER_H

#include "base/buf.h"
#include "intent/admission.h"
#include "netcfg/borrow.h"
#include "netcfg/kernel.h"
#include "netcfg/lease.h"

/* What became of each object in rendering: a reason why it is not (wholly) in the desired state. */
enum render_outcome {
    RENDER_DONE,
    RENDER_BLOCKED,    /* cannot be made here as things stand */
    RENDER_WAITING,    /* will be by itself: what it needs is expected */
    RENDER_CONFLICTED, /* lost against another object (its verdict) */
    RENDER_PENDING,    /* its claim is not decided (its verdict) */
    RENDER_ASKED,      /* made as soon as another node has answered */
};
struct render_note {
    object_id object;
    enum render_outcome outcome;
    struct err reason;
    bool pair; /* made here but for the other end of the tunnel (struct render_gate) */
};
struct render_notes {
    struct render_note *v;
    size_t n, cap;
    bool live; /* what is wanted depends on more of the host than render_inputs says */
};

/* What speaks against making an object now beside intent and kernel. Both only look. */
enum render_pair {
    PAIR_HELD,  /* the other end holds it, too */
    PAIR_ASKED, /* it is about to say so */
    PAIR_WAITS, /* it does not, or cannot be asked */
};
struct render_gate {
    void *ctx;
    /* Whether the end of a two-ended tunnel on `node`, which is another one, holds it as this one
     * does; else why not. Asked last: nothing else speaks against it. */
    enum render_pair (*pair)(
        void *ctx, const struct object *overlay, const char *node, struct err *ret_reason);
    /* Why the live host refused the object as it is asked for now (validate.h); NULL: it did not.
     */
    const struct err *(*refusal)(void *ctx, const struct object *o);
};

/* The host to render for. `actual` gives what depends on the live host: underlay MTU for overlays,
 * whether a parent or a hot-plugged port exists. */
struct render_host {
    const char *node;
    const cluster_id *cluster;
    const struct kernel_features *features;
    const struct netstate *actual; /* sorted */
    const struct leases *leases;   /* what DHCP clients hold; may be NULL */
    const struct borrowed *loans; /* that stand: what is given back is not there to stay; or NULL */
    const struct render_gate *gate; /* NULL: nothing speaks against anything */
    /* The uid of a user of this host, -ERR_NOT_FOUND when there is none; NULL: only numbers. */
    int (*uid_of)(void *ctx, const char *user, uint32_t *ret_uid);
    void *uid_ctx;
};

/* Objects whose verdict is not admitted are left out with a note, so are those whose need the
 * kernel lacks, whose parent is missing, or which the gate holds back. Whatever a left-out object
 * has in the kernel already stays as it is (design §3: a verdict never removes what runs): it is in
 * the desired state as it is found. Only the links of a deleted object are not there, nor those of
 * a provisional one that lost and on which no port hangs. ret_desired is sorted.
 *
 * The result depends on `actual`, so it is made anew from every dump, before reconcile sees it,
 * unless render_inputs says that it would be the same. */
void render_on(const struct intent *in, const struct ledger *l, const struct verdicts *v,
    const struct render_host *host, struct netstate *ret_desired, struct render_notes *ret_notes);
/* The same without leases and names of users. */
void render(const struct intent *in, const struct ledger *l, const struct verdicts *v,
    const char *node, const cluster_id *cluster, const struct kernel_features *features,
    const struct netstate *actual, struct netstate *ret_desired, struct render_notes *ret_notes);
void render_notes_done(struct render_notes *n);
/* Appends what the rendering that gave `desired` read of the host, except its leases and the names
 * of users: where these bytes, the leases and the intent with its verdicts are as they were, and
 * the notes were not `live`, another one gives the same. A user that is unknown makes the notes
 * live; one that gets another number is seen with the next change of anything else. */
void render_inputs(const struct render_host *host, const struct netstate *desired, struct buf *ret);

/* "vx-" and the first eight digits of the overlay's id. */
void render_overlay_device(const object_id *overlay, char ret_name[IFNAME_BYTES]);

enum {
    VXLAN_OVERHEAD_V4 = 50,
    VXLAN_OVERHEAD_V6 = 70
}; /* RFC 7348 §5: outer Ethernet, IP, UDP, VXLAN */

#endif

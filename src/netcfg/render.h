/* render.h: the intent, as far as it concerns one node, to the desired state of its kernel. Pure.
 */
#ifndef KAR_NETCFG_RENDER_H
#define KAR_NETCFG_RENDER_H

#include "intent/admission.h"
#include "netcfg/kernel.h"

/* What became of each object in rendering: a reason why it is not (wholly) in the desired state. */
enum render_outcome { RENDER_DONE, RENDER_BLOCKED, RENDER_WAITING };
struct render_note {
    object_id object;
    enum render_outcome outcome;
    struct err reason;
};
struct render_notes {
    struct render_note *v;
    size_t n, cap;
};

/* `actual` gives what depends on the live host: underlay MTU for overlays, whether a parent or a
 * hot-plugged port exists. Objects whose verdict is not admitted are left out; one whose need the
 * kernel lacks, or whose parent is missing, is left out with a note. ret_desired is sorted. */
void render(const struct intent *in, const struct ledger *l, const struct verdicts *v,
    const char *node, const cluster_id *cluster, const struct kernel_features *features,
    const struct netstate *actual, struct netstate *ret_desired, struct render_notes *ret_notes);
void render_notes_done(struct render_notes *n);

/* "vx-" and the first eight digits of the overlay's id. */
void render_overlay_device(const object_id *overlay, char ret_name[IFNAME_BYTES]);

enum {
    VXLAN_OVERHEAD_V4 = 50,
    VXLAN_OVERHEAD_V6 = 70
}; /* RFC 7348 §5: outer Ethernet, IP, UDP, VXLAN */

#endif

/* view.h: what gossip may read of the agent: members, and the changes and slots that are durable.
 *
 * Reading only, and only what the last GE_STORED or GE_MEMBERS made true, so that the step stays a
 * function of its events. The agent answers from its intent, history and store. */
#ifndef KAR_GOSSIP_VIEW_H
#define KAR_GOSSIP_VIEW_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "intent/hlc.h"

enum { MEMBER_ENDPOINTS_MAX = 8 };

struct endpoint {
    struct ip ip;
    uint16_t port;
};

/* A node object, as far as the protocol needs it. */
struct member_record {
    node_id id;
    struct key_public key;    /* identity: verifies its changes */
    struct dh_public session; /* X25519: the static key of its sessions */
    struct endpoint at[MEMBER_ENDPOINTS_MAX];
    size_t at_n;
    bool removed;    /* its node object is deleted: no session, its changes count to `last` only */
    bool introduced; /* it has shown its admission, which is not here yet: a session, no more */
};

/* One change, in the agent's history: enough to ask for it and to see what it is. */
struct change_ref {
    hlc hlc;
    node_id origin;
    uint64_t stream, seq;
    change_id id;
};

struct gossip_view {
    void *ctx;
    /* Members in any fixed order, removed ones too, ourselves too. false: no more. */
    bool (*member_each)(void *ctx, size_t *cursor, struct member_record *ret);
    bool (*member_get)(void *ctx, const node_id *id, struct member_record *ret);
    /* The last change that counts in a stream of a removed node; UINT64_MAX: no limit is set. */
    uint64_t (*stream_limit)(void *ctx, const node_id *origin, uint64_t stream);
    /* All durable changes in the order of (hlc, origin, stream, seq), from index *cursor on. */
    bool (*change_each)(void *ctx, size_t *cursor, struct change_ref *ret);
    /* Its stored bytes; appended. Errors: ERR_NOT_FOUND, ERR_STORE_IO. */
    int (*change_bytes)(
        void *ctx, const node_id *origin, uint64_t stream, uint64_t seq, struct buf *ret);
    uint64_t (*slot_last)(void *ctx);
    int (*slot_bytes)(void *ctx, uint64_t number, struct buf *ret);
    /* The secret of a token that this node made and remembers, also of one that is used, expired
     * or revoked: who knows the secret is told so by GE_REDEEMED, anybody else hears nothing.
     * false: there is none. */
    bool (*token_secret)(void *ctx, const uint8_t id[8], uint8_t ret_secret[32]);
    /* The change that let this node in (n 0), the one that let in who made that (1), and so on: its
     * stored bytes, appended. NULL: there are none. Errors: ERR_NOT_FOUND (the founder was let in
     * by nobody; not here yet), ERR_STORE_IO. */
    int (*admission)(void *ctx, unsigned n, struct buf *ret);
};

#endif

/* join_inner.h: what the two sides of joining share: the bytes in the handshake's payloads and of
 * the answer. */
#ifndef KAR_GOSSIP_JOIN_INNER_H
#define KAR_GOSSIP_JOIN_INNER_H

#include "gossip/join.h"

node_id join_node_id(const struct key_public *key);

/* What message 3 carries: key ‖ signature of the session key ‖ name ‖ endpoints. */
void join_plea_encode(const struct join_request *r, struct buf *ret);
int join_plea_decode(const uint8_t *p, size_t n, struct join_request *ret); /* ERR_SYNTAX */

/* The answer: code (2) ‖ admission: genesis key ‖ change (4 + n) ‖ members (1 + …), or a text. */
struct join_refusal {
    enum err_code code;
    const uint8_t *text; /* into the bytes; hostile */
    size_t n;
};
/* a->change is not looked at: `admission` is. */
void join_admission_encode(
    const struct join_admission *a, const struct change *admission, struct buf *ret);
void join_refusal_encode(int code, const uint8_t *text, size_t n, struct buf *ret);
/* Errors: ERR_SYNTAX; ERR_DENIED, which fills *ret_refusal. ret->change is the caller's. Nothing
 * is verified. */
int join_answer_decode(
    const uint8_t *p, size_t n, struct join_admission *ret, struct join_refusal *ret_refusal);

#endif

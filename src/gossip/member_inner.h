/* member_inner.h: what the files of membership share: member.c keeps the table, member_probe.c
 * asks, member_message.c reads and writes. */
#ifndef KAR_GOSSIP_MEMBER_INNER_H
#define KAR_GOSSIP_MEMBER_INNER_H

#include "gossip/member.h"

/* --- member.c ------------------------------------------------------------------------------- */

struct member *member_of(const struct members *m, const node_id *id);
/* Marks it to be asked in the next tick. */
void member_ask(struct members *m, struct member *x);
/* Notes that x is due at `due`. */
void member_set_due(struct members *m, struct member *x, time_ms due);
/* Uses its next address, if it has another. */
void member_turn(struct member *x);

/* Takes what is said if the table of states lets it, spreads it and reports it. Returns whether it
 * was news. Nothing about ourselves: that is member_refute's. */
bool member_believe(
    struct members *m, const struct rumor *r, time_ms now, struct member_news *news);
/* What is said of ourselves. Returns whether it was refuted: ours is to be said at once. */
bool member_refute(struct members *m, const struct rumor *r);
/* What we hold of x, or of ourselves. */
struct rumor member_rumor(const struct members *m, const struct member *x);
struct rumor member_self_rumor(const struct members *m);
/* Of the whole table, ourselves included: equal for two that hold the same. */
uint64_t members_digest(const struct members *m);

/* --- member_message.c ----------------------------------------------------------------------- */

void member_send_ping(struct members *m, struct member *x, uint32_t number, struct outbox *out);
void member_send_ping_req(struct members *m, const node_id *helper, const node_id *target,
    uint32_t number, struct outbox *out);
/* One rumor at once: to `first` (NULL: nobody) and a few others, drawn. */
void member_send_rumor(
    struct members *m, const struct rumor *r, const node_id *first, struct outbox *out);

/* --- member_probe.c ------------------------------------------------------------------------- */

/* `x` is asked, and answers within the stages of `kind`. */
void member_probe(struct members *m, struct member *x, time_ms now, struct outbox *out);
/* The ACK of a question: the pinged is `subject`, who brings it is `from`. */
void member_answered(struct members *m, struct probe *q, const node_id *from, time_ms now);

#endif

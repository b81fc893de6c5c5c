/* call.h: questions from one agent to another, each asked once and answered once.
 *
 *   asker                                   the other
 *   GE_CALL  ── CALL first part ─────────►               (again and again until it is heard of)
 *            ◄───────────── ANSWER more ──               (of a long question only)
 *            ── CALL next part ──────────►  GA_CALLED    (all of it is there: handed on once)
 *            ◄────────── ANSWER working ──
 *            ◄─────── ANSWER first part ──  GE_ANSWER
 *            ── CALL more ───────────────►
 *            ◄──────── ANSWER next part ──
 *   GA_ANSWERED ── CALL done ────────────►  forgotten
 *
 * Both a long question and a long answer are pulled part by part by who gets it, so what is under
 * way is bounded and a lost part only comes again. Who heard a question and then knows nothing of
 * it has restarted: that ends the call, it is never asked twice.
 *
 * Bytes:
 *   MESSAGE_CALL   = kind (1) ‖ number (8) ‖ …
 *     question: total (4) ‖ offset (4) ‖ bytes; more: offset (4); done: nothing
 *   MESSAGE_ANSWER = kind (1) ‖ number (8) ‖ …
 *     working, unknown: nothing; part: code (2, the positive ERR_*) ‖ total (4) ‖ offset (4) ‖
 *     bytes; more: offset (4)
 * Every part but the last has GOSSIP_CALL_MAX bytes. Numbers are the asker's epoch (high half) and
 * a count, so that those of two starts differ. */
#ifndef KAR_GOSSIP_CALL_H
#define KAR_GOSSIP_CALL_H

#include "base/map.h"
#include "gossip/outbox.h"
#include "gossip/step.h"

enum {
    CALL_QUESTION_MAX = 8 << 20,           /* one question: a large change that is to be checked */
    CALL_ANSWER_MAX = 8 << 20,             /* one answer: a page of history, a cluster's objects */
    CALL_HELD_MAX = 64 << 20,              /* answers kept for their askers, together */
    CALL_ASKED_MAX = 1024,                 /* our open questions */
    CALL_ASKED_BYTES_MAX = 64 * (8 << 20), /* of them, what the others do not have yet */
    CALL_SERVED_MAX = 512,                 /* others' open questions here */
    CALL_SERVED_PEER_MAX = 64,             /* of them, one member's */
    CALL_SERVED_BYTES_MAX = 64 << 20,      /* others' questions that are not answered yet */
    CALL_SERVED_PEER_BYTES_MAX = 16 << 20, /* of them, one member's */
    CALL_AGAIN_MS = 400,     /* a question or a part that is not heard of is asked for again */
    CALL_SILENCE_MS = 3000,  /* nothing heard of a question for so long: unreachable */
    CALL_COLLECT_MS = 60000, /* a question whose last part has not come by then is forgotten */
    CALL_TIMEOUT_MS = 20000, /* heard, but not answered */
    CALL_KEEP_MS = 30000,    /* an answer that nobody fetches is forgotten */
};

struct calls;

struct calls *calls_new(uint32_t epoch);
void calls_free(struct calls *c);

/* Asks; the outcome comes back as one GA_ANSWERED, at once when it cannot be asked (-ERR_LIMIT:
 * longer than CALL_QUESTION_MAX; -ERR_BUSY: CALL_ASKED_MAX, CALL_ASKED_BYTES_MAX). */
void calls_ask(struct calls *c, const node_id *to, uint64_t number, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret);
/* The agent's answer; an answer that is too long becomes code -ERR_LIMIT, one that there is no room
 * to keep -ERR_BUSY. Nobody waiting for it any more is fine. */
void calls_answer(struct calls *c, const node_id *to, uint64_t number, int code, const uint8_t *p,
    size_t n, time_ms now, struct outbox *out);
/* MESSAGE_CALL or MESSAGE_ANSWER. Errors: ERR_SYNTAX; ERR_LIMIT (more questions than are served:
 * told to the asker). */
int calls_message(struct calls *c, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct gossip_actions *ret);
/* It is dead or removed: what we asked it ends with -ERR_UNREACHABLE, what it asked is forgotten.
 */
void calls_forget(struct calls *c, const node_id *peer, struct gossip_actions *ret);
void calls_tick(struct calls *c, time_ms now, struct outbox *out, struct gossip_actions *ret);
time_ms calls_deadline(const struct calls *c);

#endif

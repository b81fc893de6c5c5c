/* hostile_lab.h: real kards on the loopback of a network namespace, and what an adversary on the
 * road can do there: hear every packet, and send any bytes as whoever it likes.
 *
 *   n1 127.0.0.1   n2 127.0.0.2   n3 127.0.0.3      kards, port 8747
 *   127.0.0.66                                      the adversary's own address
 */
#ifndef KAR_TESTS_NETNS_HOSTILE_LAB_H
#define KAR_TESTS_NETNS_HOSTILE_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/time.h"
#include "gossip/step.h"

/* --- kards ------------------------------------------------------------------------------------ */

struct daemon {
    int number; /* of "n1", at 127.0.0.1 */
    pid_t pid;
    char *root;
};
/* A fresh namespace with lo up, an empty folder for the kards. */
void hostile_begin(void);
void hostile_end(void); /* the folder is removed */
void daemon_start(struct daemon *d, int number);
void daemon_stop(struct daemon *d);
bool daemon_lives(const struct daemon *d);
/* All that it logged. */
void daemon_log(const struct daemon *d, struct buf *ret);
/* One request; `params` is JSON. The answer, {"result": …} or {"error": …}. */
json_t *daemon_ask(const struct daemon *d, const char *method, const char *params, ...)
    __attribute__((format(printf, 3, 4)));
/* A text, number or truth in an answer, by a path such as "result.nodes.0.name"; "" when absent.
 * Holds until the next call. */
const char *answer_text(const json_t *answer, const char *path);

struct endpoint loopback(int last); /* 127.0.0.last, port 8747 */

/* --- the wire --------------------------------------------------------------------------------- */

struct heard {
    struct endpoint from, to;
    struct buf bytes;
};
struct wire { /* everything on lo since wire_open */
    int packets, raw, own;
    struct heard *v; /* UDP datagrams from or to port 8747, whole ones */
    size_t n, cap;
    struct buf all; /* the payloads of UDP and TCP, one after the other */
};
void wire_open(struct wire *w);
void wire_close(struct wire *w);
/* Takes in what was heard, for so long. */
void wire_listen(struct wire *w, time_ms ms);
void wire_clear(struct wire *w);
/* Sends bytes from 127.0.0.66:8747, or as if from anywhere. */
void wire_send(struct wire *w, const struct endpoint *to, const uint8_t *p, size_t n);
void wire_forge(struct wire *w, const struct endpoint *from, const struct endpoint *to,
    const uint8_t *p, size_t n);
/* UDP bytes heard since wire_clear that go from one address to another; family 0: any but the kards
 * themselves. */
size_t wire_bytes(const struct wire *w, const struct endpoint *from, const struct endpoint *to);
bool wire_has(const struct wire *w, const void *p, size_t n);

#endif

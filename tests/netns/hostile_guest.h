/* hostile_guest.h: hosts that want to join, with the protocol's own machine and a socket each, so
 * that many can try at once; and one that lies to such hosts. */
#ifndef KAR_TESTS_NETNS_HOSTILE_GUEST_H
#define KAR_TESTS_NETNS_HOSTILE_GUEST_H

#include "base/rng.h"
#include "gossip/join.h"
#include "hostile_lab.h"

struct guest {
    struct join *j;
    int fd;
};
/* At 127.0.0.last, with keys of its own. */
struct guest guest_start(const struct token *t, int last, struct rng *rng);
/* All of them at once, until each is let in or has failed. */
void guests_run(struct guest *v, size_t n, struct wire *wire);
void guest_done(struct guest *g);

/* At 127.0.0.67: answers each HELLO as the creator of the token would, in its name and knowing its
 * secret, with an identity of its own. Returns only if it cannot begin. */
int liar_run(const char *token, struct rng *rng);

#endif

/* agent_guests.h: which virtual machines hang on ports, as the hosts of the ports know it.
 *
 * A warning names the guest that it is about. A port says its owner, or only the host that it
 * stands on can tell (host.h); what rules ask for ports elsewhere is noted, asked there beside the
 * change, and said in the warnings then. */
#ifndef KAR_KARD_AGENT_GUESTS_H
#define KAR_KARD_AGENT_GUESTS_H

#include "intent/intent.h"

struct agent;

enum { GUESTS_ASKED_MAX = 256 }; /* of one node: more than a sentence has room for */

struct guest {
    object_id port;
    char *vm; /* NULL: not known (yet) */
};
struct guests { /* of ports that stand elsewhere */
    struct guest *v;
    size_t n, cap;
};

/* The machine behind a port, NULL when it is not known; a port that stands elsewhere is noted. */
const char *guests_vm(struct guests *g, const struct agent *a, const struct object *port);
/* The names of the noted ports of a node that nothing is known of. NULL: there are none. */
struct value *guests_unknown(const struct guests *g, const struct agent *a, const char *node);
/* Its answer {port: machine}: hostile. true: something is known that was not. */
bool guests_take(
    struct guests *g, const struct agent *a, const char *node, const struct value *vms);
/* The same answered here, for the ports of a list that stand here. */
struct value *guests_here(const struct agent *a, const struct value *ports);
void guests_done(struct guests *g);

#endif

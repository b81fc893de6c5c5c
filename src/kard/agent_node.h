/* agent_node.h: node objects, which only agents make: admission, renaming, removal, our own. */
#ifndef KAR_KARD_AGENT_NODE_H
#define KAR_KARD_AGENT_NODE_H

#include "kard/agent_draft.h"

/* A node object of this key, session and addresses, checked by the schema but for what only agents
 * write. ret is the caller's. Returns 0 or the code of the first error. */
int node_object(const char *name, const struct member_record *is,
    const uint8_t signature[SIGNATURE_BYTES], const char *management, struct object **ret,
    struct errs *errs);
/* A change that admits a member. Errors: ERR_NAME_TAKEN, ERR_NAME_INVALID, ERR_EXISTS. */
int draft_admission(struct agent *a, struct draft *d, const struct member_record *is,
    const uint8_t signature[SIGNATURE_BYTES], const char *name, struct err *e);

enum {
    AGENT_SELF_SOON_MS = 1000, /* what moves together is looked at together */
    AGENT_SELF_GAP_MS = 10000, /* between two changes of our own object */
};

/* What our node object says may not be so any more. */
void agent_self_touch(struct agent *a);
/* Begins a change that makes it so. false: nothing was due. */
bool agent_self_work(struct agent *a);
time_ms agent_self_deadline(const struct agent *a);

/* The API's functions. */
struct agent_task *agent_node_rename(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);
struct agent_task *agent_node_remove(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);

#endif

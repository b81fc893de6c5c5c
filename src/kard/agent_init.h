/* agent_init.h: who this node is: the keys that it makes for itself, and its name. */
#ifndef KAR_KARD_AGENT_INIT_H
#define KAR_KARD_AGENT_INIT_H

#include "kard/agent_parts.h"

/* New keys, a new stream; the cluster is one's own, for who founds one. */
void identity_make(struct agent *a, struct identity *ret, struct key_public *ret_key);
/* All of it, as it is kept. */
void batch_identity(struct store_batch *b, const struct identity *is);
/* kard.yaml's, else the host's as a node may have it. */
const char *agent_name_own(const struct agent *a, char ret[NODE_NAME_MAX + 1]);

#endif

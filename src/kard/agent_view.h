/* agent_view.h: how things look in answers; shared by the views only. */
#ifndef KAR_KARD_AGENT_VIEW_H
#define KAR_KARD_AGENT_VIEW_H

#include "kard/agent_parts.h"

struct value *time_value(time_ms wall); /* RFC 3339 text */
/* NULL, or a node of the cluster. Errors: ERR_NODE_UNKNOWN. */
int agent_node_known(const struct agent *a, const char *node, struct err *e);
/* Errors: ERR_NOT_FOUND. */
int agent_object_find(struct agent *a, const struct kind_info *kind, const char *name,
    const char *node, const struct object **ret, struct err *e);

/* A member in status and lists: name, id, self, member, heard_ms?, rtt_ms?, at?, in_sync?. */
struct value *member_value(const struct agent *a, const struct member *m);

/* The API's functions. */
int agent_object_list(
    void *ctx, const struct kind_info *kind, const char *node, struct value **ret, struct err *e);
int agent_object_show(void *ctx, const struct kind_info *kind, const char *name, const char *node,
    struct value **ret, struct err *e);
int agent_nic_list(void *ctx, const char *node, struct value **ret, struct err *e);
int agent_nic_show(
    void *ctx, const char *name, const char *node, bool stats, struct value **ret, struct err *e);
int agent_status(void *ctx, struct value **ret, struct err *e);
int agent_drift(void *ctx, struct value **ret, struct err *e);
int agent_conflicts(void *ctx, struct value **ret, struct err *e);
int agent_doctor(void *ctx, struct value **ret, struct err *e);

#endif

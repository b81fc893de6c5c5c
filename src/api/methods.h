/* methods.h: the rows of the method table, each in the api_<area>.c of its noun. */
#ifndef KAR_API_METHODS_H
#define KAR_API_METHODS_H

#include "api/method.h"

extern const struct method method_agent_info;
extern const struct method method_change_apply, method_change_check, method_change_plan,
    method_change_state, method_change_undo;
extern const struct method method_cluster_init, method_cluster_join, method_cluster_leave;
extern const struct method method_conflicts_list, method_drift_list, method_status;
extern const struct method method_doctor;
extern const struct method method_history_diff, method_history_export, method_history_list,
    method_history_show;
extern const struct method method_nic_list, method_nic_show;
extern const struct method method_node_remove, method_node_rename;
extern const struct method method_token_create, method_token_list, method_token_revoke;
extern const struct method method_object_list, method_object_show;
extern const struct method method_overlay_hold;
extern const struct method method_watch;

#endif

/* request.h: what a command line asks kard for. Pure but for reading the files that it names. */
#ifndef KAR_CLI_REQUEST_H
#define KAR_CLI_REQUEST_H

#include "cli/input.h"
#include "cli/parse.h"

struct request {
    const char *method;
    struct value *params; /* a map */
    bool wants_cluster;   /* the cluster's name goes where the object's name does */
    FILE *stdin_;
    struct input input;
    struct errs errs; /* what is wrong with the command line or the files; nothing is sent then */
};

/* Runs the command's `build`. request_done() in any case. Returns 0 or the code of the first
 * error. */
int request_build(const struct invocation *in, FILE *stdin_, struct request *ret);
void request_name_cluster(struct request *r, const char *name);
void request_done(struct request *r);

/* For rows of the tree. */
void build_nothing(const struct invocation *in, struct request *r);
void build_list(const struct invocation *in, struct request *r);
void build_show(const struct invocation *in, struct request *r);
void build_nic_list(const struct invocation *in, struct request *r);
void build_nic_show(const struct invocation *in, struct request *r);
void build_init(const struct invocation *in, struct request *r);
void build_join(const struct invocation *in, struct request *r);
void build_leave(const struct invocation *in, struct request *r);
void build_token_create(const struct invocation *in, struct request *r);
void build_token_list(const struct invocation *in, struct request *r);
void build_token_revoke(const struct invocation *in, struct request *r);
void build_node_rename(const struct invocation *in, struct request *r);
void build_node_label(const struct invocation *in, struct request *r);
void build_node_remove(const struct invocation *in, struct request *r);
void build_of_node(const struct invocation *in, struct request *r); /* doctor, drift */
void build_history(const struct invocation *in, struct request *r);
void build_history_show(const struct invocation *in, struct request *r);
void build_history_diff(const struct invocation *in, struct request *r);
void build_export(const struct invocation *in, struct request *r);
void build_watch(const struct invocation *in, struct request *r);
void build_files(const struct invocation *in, struct request *r);  /* plan, diff, apply */
void build_object(const struct invocation *in, struct request *r); /* create, set, delete */
void build_settle(const struct invocation *in, struct request *r); /* conflicts settle */
void build_undo(const struct invocation *in, struct request *r);

#endif

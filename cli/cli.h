/* cli.h: one run of karctl: where it reads and writes, and what it was told about its terminal.
 *
 * main.c fills it from the process; tests fill it with memory and a clock that stands still. */
#ifndef KAR_CLI_CLI_H
#define KAR_CLI_CLI_H

#include "cli/client.h"
#include "cli/output.h"
#include "cli/request.h"

enum { SOCKET_PATH = 512 };

struct cli {
    FILE *in;
    struct screen out; /* data */
    struct screen err; /* messages */
    bool in_terminal;
    bool no_color;                     /* NO_COLOR is set */
    const char *env_socket, *env_root; /* KARD_SOCKET, KARD_ROOT; may be NULL */
    char *const *argv;                 /* as given, for the hidden command of completion */
    int argc;
    char socket[SOCKET_PATH]; /* filled by cli_run */
    const struct output *output;
};

/* Parses, runs, prints. Returns karctl's exit code. */
int cli_run(struct cli *c, int argc, char *const *argv);

/* --- what commands share --------------------------------------------------------------------- */

/* Builds the command's request; prints what is wrong with it. Returns an exit code. */
int cli_build(struct cli *c, const struct invocation *in, struct request *ret);
/* Connects and, where the request wants it, asks for the cluster's name. Returns an exit code. */
int cli_connect(struct cli *c, struct request *r, struct client *ret);
/* Prints the whole result in the format that was asked for. Returns the view's exit code. */
int cli_print(struct cli *c, const struct view *v, struct value *result);
/* Whether errors go out as JSON too. */
bool cli_speaks_json(const struct cli *c);
/* One error of ours. Returns its exit code. */
int cli_fail(struct cli *c, const struct err *e);
/* The error answer of kard, all of its errors, each with its place. Returns its exit code. */
int cli_fail_answer(struct cli *c, const struct request *r, const struct value *error);

/* Commands' functions, for rows of the tree. */
int run_read(struct cli *c, const struct invocation *in);
int run_change(struct cli *c, const struct invocation *in);
int run_watch(struct cli *c, const struct invocation *in);
int run_explain(struct cli *c, const struct invocation *in);
int run_version(struct cli *c, const struct invocation *in);
int run_help(struct cli *c, const struct invocation *in);
int run_completion(struct cli *c, const struct invocation *in);
int run_complete(struct cli *c, const struct invocation *in);

#endif

/* parse.h: a command line taken apart along the tree of commands. Pure. */
#ifndef KAR_CLI_PARSE_H
#define KAR_CLI_PARSE_H

#include "base/err.h"
#include "cli/command.h"

/* One option or schema flag as it was typed. */
struct given {
    const struct option *option; /* or */
    const struct field *field;
    const char *text; /* NULL for an option without a value */
};

struct invocation {
    const struct command *command; /* the root when nothing was named */
    char path[COMMAND_PATH];       /* "vlan create"; "" for the root */
    struct given *v;
    size_t n, cap;
    struct {
        const char **v;
        size_t n, cap;
    } arguments;
};

/* Points into argv (argv[0] is the program's name). On an error *ret is filled as far as parsing
 * came, so that the caller knows what was asked for (--help, -o json). invocation_done() in any
 * case. Errors: ERR_USAGE. */
int invocation_parse(int argc, char *const *argv, struct invocation *ret, struct err *e);
void invocation_done(struct invocation *in);

bool given(const struct invocation *in, enum option_id id);
/* The last one wins; NULL when not given. */
const char *given_text(const struct invocation *in, enum option_id id);
/* Every text given: for (size_t i = 0; (text = given_each(in, O_FILE, &i));) */
const char *given_each(const struct invocation *in, enum option_id id, size_t *cursor);
/* The figure of an OF_UINT or OF_DURATION option (checked by parsing), or `otherwise`. */
int64_t given_number(const struct invocation *in, enum option_id id, int64_t otherwise);
const char *argument(const struct invocation *in, size_t i); /* NULL: not given */

#endif

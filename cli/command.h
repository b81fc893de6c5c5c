/* command.h: the command line as one tree of rows.
 *
 * Parsing, help, completion and the man page walk it; none of them knows a command by name. A
 * command is a row in tree_*.c: what it is called, what it takes, an example, and the function that
 * runs it. Flags that come from the schema are not in rows: a row says `fields`, and the kind's
 * table of fields gives them. */
#ifndef KAR_CLI_COMMAND_H
#define KAR_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intent/schema.h"

struct cli;
struct invocation;
struct request;
struct view;

/* What an argument or an option's value is: for completion and for the checks of parsing. */
enum value_of {
    OF_NOTHING, /* an option without a value */
    OF_TEXT,
    OF_UINT,
    OF_DURATION,
    OF_LIFETIME, /* a longer one: 24h */
    OF_FILE,
    OF_FORMAT,   /* table, wide, json, yaml, name */
    OF_COLOR,    /* auto, always, never */
    OF_SHELL,    /* bash, zsh */
    OF_OBJECT,   /* the name of an existing object of the command's kind */
    OF_NEW_NAME, /* a name to be */
    OF_NODE,
    OF_KIND,
    OF_CHANGE,  /* a change's id or a prefix of it */
    OF_FIELD,   /* a field of the command's kind */
    OF_PATH,    /* kind or kind.field, for explain */
    OF_COMMAND, /* words of the tree, for help */
};

/* Every option of every command, once. A command names those that it takes as a set of bits. */
enum option_id { /* in the order in which help shows them */
    O_FILE,
    O_NODE_FILTER, /* list: only those on this node */
    O_NODE_OF,     /* show, set, delete: which local object is meant */
    O_NODE_ON,     /* create: where it shall stand */
    O_NODES,       /* set: where it shall stand from now on */
    O_UNSET,
    O_STATS,
    O_AT,
    O_LIMIT,
    O_KIND,
    O_NAME,
    O_CLUSTER_NAME,
    O_NODE_NAME,
    O_JOIN_NAME,
    O_EXPIRES,
    O_TOKEN_NODE, /* the node that made a token */
    O_OF_NODE,    /* whose answer it is */
    O_DRY_RUN,
    O_MESSAGE,
    O_YES,
    O_FORCE,
    O_PROVISIONAL,
    O_TAKE,
    O_WITH_ADMITTED,
    O_NO_WAIT,
    O_TIMEOUT,
    O_OUTPUT,
    O_WATCH,
    O_VERSION,
    O_COLOR,
    O_SOCKET,
    O_HELP,
    O_COUNT
};

#define O_BIT(id) (UINT64_C(1) << (id))

struct option {
    const char *name;
    char letter; /* 0: none */
    enum value_of takes;
    bool many;         /* may be given several times */
    const char *value; /* how help calls the value; NULL with OF_NOTHING */
    const char *help;
};

extern const struct option options[O_COUNT];

enum { ARGUMENTS_MAX = 2, COMMAND_DEPTH_MAX = 3, COMMAND_PATH = 64 };

struct argument {
    const char *name; /* NAME; NULL ends the list */
    enum value_of of;
    bool optional, many; /* many: this one and all that follow */
};

typedef int (*command_fn)(struct cli *cli, const struct invocation *in); /* an exit code */

struct command {
    const char *name, *alias;
    const char *help;    /* one line, as a command: "make a VLAN interface" */
    const char *about;   /* what else help and man page say; may be NULL */
    const char *example; /* lines that can be typed as they are, "karctl …" */
    struct argument arguments[ARGUMENTS_MAX + 1];
    uint64_t options;             /* bits of enum option_id beside those of every command */
    const struct kind_info *kind; /* whose objects and fields; NULL: none */
    enum field_use { FIELDS_NONE, FIELDS_CREATE, FIELDS_SET } fields;
    bool hidden;

    command_fn run; /* NULL: only a group of children */
    /* For the functions that many commands share (run_read, run_change): */
    const char *method;
    void (*build)(const struct invocation *in, struct request *ret);
    const struct view *view;
    const char *op;

    const struct command *children; /* ends with a row whose name is NULL; NULL: a leaf */
};

extern const struct command command_root;
extern const struct command nic_commands[], vlan_commands[], overlay_commands[], switch_commands[],
    port_commands[], node_commands[], cluster_commands[], history_commands[], conflicts_commands[],
    token_commands[];

/* The child of this name or alias; NULL when there is none. */
const struct command *command_child(const struct command *c, const char *word);
/* The option of this long name, or (name NULL) letter, that the command takes; NULL: none. */
const struct option *command_option(const struct command *c, const char *name, char letter);
bool command_takes(const struct command *c, enum option_id id);

/* How a field is typed: --stp-priority for stp_priority, and in the singular where each flag adds
 * one entry (--label rack=a for labels). */
enum { FLAG_TEXT = 48 };
char *field_flag(const struct field *f, char ret_text[FLAG_TEXT]);
/* What its value looks like in help: "N", "auto|N", "ADDRESS/LENGTH". NULL: takes none. */
const char *field_value(const struct field *f, char ret_text[FLAG_TEXT]);
/* The field whose flag this is; ret_no tells that it was "no-…" of a yes-or-no field. */
const struct field *command_field(const struct command *c, const char *flag, bool *ret_no);
/* The fields that help and completion offer: for (size_t i = 0; (f = command_field_each(c, &i));).
 * `set` does not offer what cannot be changed. */
const struct field *command_field_each(const struct command *c, size_t *cursor);

/* Calls fn for every command below root that is not hidden, parents first; path is "vlan create".
 */
void command_walk(const struct command *root,
    void (*fn)(void *ctx, const struct command *c, const char *path), void *ctx);

#endif

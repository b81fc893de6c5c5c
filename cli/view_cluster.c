/* view_cluster.c: members as such: tokens, joining, leaving, renaming, removing. */
#include <string.h>

#include "base/err.h"
#include "cli/human.h"
#include "cli/view.h"

/* --- tokens ---------------------------------------------------------------------------------- */

/* The token alone on stdout's first line, so that it can be taken from there. */
static void print_token(struct screen *s, const struct value *result)
{
    const char *token = value_get_text(result, "token"), *until = value_get_text(result, "expires");

    screen_printf(s, "%s\n", token ? token : "?");
    screen_printf(
        s, "on the new node: karctl join TOKEN; good once, until %s\n", until ? until : "?");
}

const struct view view_token = {.print = print_token};

static const struct column token_columns[] = {
    {"ID", 0, cell_text, "id"},
    {"STATE", 0, cell_text, "state"},
    {"MADE", COL_RIGHT, cell_age, "created"},
    {"EXPIRES", 0, cell_text, "expires"},
    {"USED BY", 0, cell_text, "used_by"},
    {"ON", COL_WIDE, cell_text, "node"},
    {NULL},
};

const struct view view_tokens = {
    .noun = "token", .nouns = "tokens", .list = "tokens", .columns = token_columns};

static void print_revoked(struct screen *s, const struct value *result)
{
    const char *id = value_get_text(result, "id");
    screen_printf(s, "token %s is good for nothing now\n", id ? id : "?");
}

const struct view view_revoked = {.print = print_revoked};

/* --- in and out ------------------------------------------------------------------------------ */

static const char *name_in(const struct value *result, const char *member)
{
    const char *name = value_get_text(value_get(result, member), "name");
    return name ? name : "?";
}

static void print_joined(struct screen *s, const struct value *result)
{
    char took[HUMAN_TEXT];
    int64_t members = value_get_int(result, "members", 0);

    if (!value_get_bool(result, "caught_up", false)) {
        screen_style(s, STYLE_WARN, "this node is let in as %s, ", name_in(result, "node"));
        screen_printf(s, "but has not heard all that the cluster knows yet: karctl status\n");
        return;
    }
    screen_printf(s, "this node is %s of cluster %s, %lld node%s, in %s\n", name_in(result, "node"),
        name_in(result, "cluster"), (long long)members, members == 1 ? "" : "s",
        elapsed_format(value_get_int(result, "elapsed_ms", 0), took));
}

static int exit_of_joined(const struct value *result)
{
    return value_get_bool(result, "caught_up", false) ? EXIT_DONE : EXIT_TIMEOUT;
}

const struct view view_joined = {.print = print_joined, .exit = exit_of_joined};

static void print_left(struct screen *s, const struct value *result)
{
    const char *name = value_get_text(result, "left");
    screen_printf(
        s, "%s left its cluster; its network stays as it is\n", name ? name : "this node");
}

const struct view view_left = {.print = print_left};

/* The change that renames or removes, as kard answers every change that is not waited for. */
static void print_member_changed(struct screen *s, const struct value *result)
{
    char id[16];
    screen_printf(s, "change %s is made; karctl node list shows the members\n",
        id_short(value_get_text(result, "change"), id));
}

const struct view view_member_changed = {.print = print_member_changed};

/* view_nic.c: physical interfaces as they are, with what kar has set on them. */
#include <stdio.h>
#include <string.h>

#include "cli/human.h"
#include "cli/view.h"

static void cell_state(struct table *t, const struct row *r, const char *arg)
{
    const char *state = value_get_text(r->thing, "state");

    (void)arg;
    table_add(t, state_style(state), state);
}

static void cell_link(struct table *t, const struct row *r, const char *arg)
{
    const struct value *link = value_get(r->thing, "link");

    (void)arg;
    if (value_is(link, VALUE_BOOL))
        table_add(t, STYLE_PLAIN, link->b ? "up" : "down");
    else
        cell_words(t, r, "link");
}

static const char *speed_of(const struct value *nic, char text[HUMAN_TEXT])
{
    int64_t mbps = value_get_int(nic, "speed_mbps", 0);

    text[0] = '\0';
    return mbps > 0 ? speed_format((uint64_t)mbps, text) : text;
}

static void cell_speed(struct table *t, const struct row *r, const char *arg)
{
    char text[HUMAN_TEXT];

    (void)arg;
    table_add(t, STYLE_PLAIN, speed_of(r->thing, text));
}

/* "no" alone would leave the reader asking. */
static void cell_editable(struct table *t, const struct row *r, const char *arg)
{
    const char *why_ = value_get_text(r->thing, "editable_why");

    (void)arg;
    if (value_get_bool(r->thing, "editable", false))
        table_add(t, STYLE_PLAIN, "yes");
    else
        table_printf(t, STYLE_PLAIN, "no%s%s", why_ ? ": " : "", why_ ? why_ : "");
}

static void users_to_words(const struct value *nic, struct buf *ret)
{
    const struct value *users = value_get(nic, "used_by");

    for (size_t i = 0; value_is(users, VALUE_LIST) && i < users->n; i++) {
        if (i > 0)
            buf_add_str(ret, ", ");
        thing_to_title(users->v[i], ret);
    }
}

static void cell_used_by(struct table *t, const struct row *r, const char *arg)
{
    struct buf b = BUF_INIT;

    (void)arg;
    if (value_get_bool(r->thing, "management", false))
        buf_add_str(&b, "management");
    if (b.n && value_get(r->thing, "used_by") && value_get(r->thing, "used_by")->n)
        buf_add_str(&b, ", ");
    users_to_words(r->thing, &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

static const struct column nic_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"ROLE", COL_MAYBE, cell_text, "role"},
    {"NODE", 0, cell_text, "node"},
    {"STATE", 0, cell_state, NULL},
    {"LINK", 0, cell_link, NULL},
    {"SPEED", COL_RIGHT, cell_speed, NULL},
    {"DUPLEX", COL_WIDE, cell_text, "duplex"},
    {"MAC", 0, cell_text, "mac"},
    {"MTU", COL_RIGHT, cell_words, "mtu"},
    {"ADDRESS", 0, cell_words, "addresses"},
    {"DRIVER", COL_WIDE, cell_text, "driver"},
    {"RX", COL_WIDE | COL_RIGHT, cell_bytes, "rx_bytes"},
    {"TX", COL_WIDE | COL_RIGHT, cell_bytes, "tx_bytes"},
    {"EDITABLE", COL_WIDE, cell_editable, NULL},
    {"USED BY", 0, cell_used_by, NULL},
    {NULL},
};

static void print_nic(struct screen *s, const struct value *nic)
{
    const char *name = value_get_text(nic, "name"), *node = value_get_text(nic, "node");
    const char *state = value_get_text(nic, "state"), *why_ = value_get_text(nic, "editable_why");
    const struct value *link = value_get(nic, "link");
    char speed[HUMAN_TEXT];
    struct table t = lines_start();
    struct buf users = BUF_INIT;
    struct err_text text;

    screen_style(s, STYLE_STRONG, "nic %s", name ? name : "?");
    screen_printf(s, "%s%s\n", node ? " on " : "", node ? node : "");
    line_add(&t, "state", state_style(state), state);
    if (value_is(link, VALUE_BOOL))
        line_add(&t, "link", STYLE_PLAIN, link->b ? "up" : "down");
    else
        line_value(&t, "link", link, NULL);
    line_add(&t, "speed", STYLE_PLAIN, speed_of(nic, speed));
    line_value(&t, "duplex", value_get(nic, "duplex"), NULL);
    line_value(&t, "mac", value_get(nic, "mac"), NULL);
    line_value(&t, "driver", value_get(nic, "driver"), NULL);
    line_value(&t, "role", value_get(nic, "role"), NULL);
    if (value_get(nic, "mtu_max"))
        line_add(&t, "mtu", STYLE_PLAIN,
            err_text_format(&text, "%lld bytes (%lld to %lld)",
                (long long)value_get_int(nic, "mtu", 0),
                (long long)value_get_int(nic, "mtu_min", 0),
                (long long)value_get_int(nic, "mtu_max", 0)));
    else
        line_value(&t, "mtu", value_get(nic, "mtu"), "bytes");
    line_value(&t, "addresses", value_get(nic, "addresses"), NULL);
    if (value_get_bool(nic, "management", false))
        line_add(&t, "management", STYLE_PLAIN, "yes: this node is reached through it");
    if (value_get_bool(nic, "editable", false))
        line_add(&t, "editable", STYLE_PLAIN, "yes");
    else
        line_add(&t, "editable", STYLE_PLAIN,
            err_text_format(&text, "no%s%s", why_ ? ": " : "", why_ ? why_ : ""));
    line_value(&t, "note", value_get(nic, "note"), NULL);
    users_to_words(nic, &users);
    line_add(&t, "used by", STYLE_PLAIN, buf_cstr(&users));
    line_value(&t, "set by kar", value_get(value_get(nic, "settings"), "spec"), NULL);
    lines_of_stats(&t, value_get(nic, "stats"));
    lines_print(s, &t);
    buf_done(&users);
}

const struct view view_nics = {
    .noun = "nic", .nouns = "nics", .list = "nics", .columns = nic_columns};
const struct view view_nic = {.print = print_nic};

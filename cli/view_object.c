/* view_object.c: objects as rows (list) and in full (show). */
#include <stdio.h>
#include <string.h>

#include "cli/human.h"
#include "cli/view.h"

/* --- cells ----------------------------------------------------------------------------------- */

static void cell_node(struct table *t, const struct row *r, const char *arg)
{
    struct buf b = BUF_INIT;

    (void)arg;
    if (r->node)
        buf_add_str(&b, r->node);
    else /* all or a selector that no node answers yet */
        value_to_words(value_get(r->thing, "nodes"), ",", &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

/* The field on this node: its own value, the common one, or the default. */
static void cell_field(struct table *t, const struct row *r, const char *field)
{
    struct buf b = BUF_INIT;

    if (r->kind && schema_field(r->kind->fields, field)) /* the answer's kind, not the command's */
        value_to_words(schema_value(r->kind, value_get(r->thing, "spec"), field, r->node), ",", &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

static void cell_live(struct table *t, const struct row *r, const char *member)
{
    struct buf b = BUF_INIT;

    value_to_words(value_get(r->live, member), ",", &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

/* What the kernel has, and where there is nothing yet, what was asked for. */
static void cell_live_or_field(struct table *t, const struct row *r, const char *member)
{
    if (value_get(r->live, member))
        cell_live(t, r, member);
    else
        cell_field(t, r, member);
}

static void cell_vni(struct table *t, const struct row *r, const char *arg)
{
    (void)arg;
    if (value_is(value_get(r->thing, "vni"), VALUE_INT))
        cell_words(t, r, "vni");
    else
        cell_field(t, r, "vni");
}

static void cell_ends(struct table *t, const struct row *r, const char *arg)
{
    const struct value *ends = value_get(value_get(r->thing, "spec"), "endpoints");
    struct buf b = BUF_INIT;

    (void)arg;
    if (!value_is(ends, VALUE_LIST) || ends->n == 0) /* a mesh has one wherever it stands */
        value_to_words(value_get(r->thing, "nodes"), ",", &b);
    for (size_t i = 0; value_is(ends, VALUE_LIST) && i < ends->n; i++) {
        const char *node = value_get_text(ends->v[i], "node");
        const char *address = value_get_text(ends->v[i], "address");
        buf_printf(&b, "%s%s", i ? "," : "", node ? node : address ? address : "?");
    }
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

/* An overlay stands on a VLAN, on another interface, or each end on its own. */
static void cell_underlay(struct table *t, const struct row *r, const char *arg)
{
    const struct value *spec = value_get(r->thing, "spec");
    const struct value *ends = value_get(spec, "endpoints");
    const char *text = value_get_text(spec, "vlan");

    (void)arg;
    if (!text)
        text = value_get_text(spec, "underlay");
    for (size_t i = 0; !text && value_is(ends, VALUE_LIST) && i < ends->n; i++) {
        const char *node = value_get_text(ends->v[i], "node");
        if (node && r->node && strcmp(node, r->node) == 0)
            text = value_get_text(ends->v[i], "vlan");
    }
    table_add(t, STYLE_PLAIN, text);
}

/* Of the tunnel's interface; until it is there, what was asked for. */
static void cell_device(struct table *t, const struct row *r, const char *member)
{
    const struct value *v = value_get(value_get(r->live, "device"), member);
    struct buf b = BUF_INIT;

    if (!v && r->kind && schema_field(r->kind->fields, member)) {
        cell_field(t, r, member);
        return;
    }
    value_to_words(v, ",", &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

static void cell_ports(struct table *t, const struct row *r, const char *arg)
{
    const struct value *ports = value_get(r->live, "ports");

    (void)arg;
    if (value_is(ports, VALUE_LIST))
        table_printf(t, STYLE_PLAIN, "%zu", ports->n);
    else
        table_add(t, STYLE_PLAIN, "");
}

static void cell_macs(struct table *t, const struct row *r, const char *arg)
{
    const struct value *macs = value_get(r->live, "mac_table");
    int64_t used = value_get_int(macs, "used", -1), max = value_get_int(macs, "max", 0);

    (void)arg;
    if (used < 0)
        table_add(t, STYLE_PLAIN, "");
    else if (max > 0)
        table_printf(t, used * 10 >= max * 9 ? STYLE_WARN : STYLE_PLAIN, "%lld/%lld",
            (long long)used, (long long)max);
    else
        table_printf(t, STYLE_PLAIN, "%lld", (long long)used);
}

static void cell_state(struct table *t, const struct row *r, const char *arg)
{
    const char *state = value_get_text(r->status, "state");

    (void)arg;
    table_add(t, state_style(state), state);
}

static void cell_reason(struct table *t, const struct row *r, const char *arg)
{
    (void)arg;
    table_add(t, STYLE_PLAIN, reason_what(value_get(r->status, "reason")));
}

static const struct column vlan_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"NODE", 0, cell_node, NULL},
    {"PARENT", 0, cell_field, "parent"},
    {"TAG", COL_RIGHT, cell_field, "tag"},
    {"ADDRESS", 0, cell_field, "address"},
    {"GATEWAY", COL_WIDE, cell_field, "gateway"},
    {"MTU", COL_RIGHT, cell_live_or_field, "mtu"},
    {"PROTOCOL", COL_WIDE, cell_field, "protocol"},
    {"MAC", COL_WIDE, cell_live, "mac"},
    {"SWITCH", COL_WIDE, cell_live, "master"},
    {"RX", COL_WIDE | COL_RIGHT, cell_bytes, "rx_bytes"},
    {"TX", COL_WIDE | COL_RIGHT, cell_bytes, "tx_bytes"},
    {"CHANGED", COL_WIDE | COL_RIGHT, cell_age, "changed"},
    {"STATUS", 0, cell_state, NULL},
    {"REASON", COL_MAYBE, cell_reason, NULL},
    {NULL},
};

static const struct column switch_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"NODE", 0, cell_node, NULL},
    {"UPLINK", 0, cell_field, "uplink"},
    {"PORTS", COL_RIGHT, cell_ports, NULL},
    {"MACS", COL_RIGHT, cell_macs, NULL},
    {"ADDRESS", COL_MAYBE, cell_field, "address"},
    {"MTU", COL_WIDE | COL_RIGHT, cell_live_or_field, "mtu"},
    {"STP", COL_WIDE, cell_field, "stp"},
    {"VLANS", COL_WIDE, cell_field, "vlan_filtering"},
    {"AGEING/s", COL_WIDE | COL_RIGHT, cell_field, "ageing_s"},
    {"MAC", COL_WIDE, cell_live, "mac"},
    {"RX", COL_RIGHT, cell_bytes, "rx_bytes"},
    {"TX", COL_RIGHT, cell_bytes, "tx_bytes"},
    {"CHANGED", COL_WIDE | COL_RIGHT, cell_age, "changed"},
    {"STATUS", 0, cell_state, NULL},
    {"REASON", COL_MAYBE, cell_reason, NULL},
    {NULL},
};

static const struct column overlay_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"NODE", 0, cell_node, NULL},
    {"VNI", COL_RIGHT, cell_vni, NULL},
    {"UNDERLAY", 0, cell_underlay, NULL},
    {"ENDS", 0, cell_ends, NULL},
    {"PORT", COL_WIDE | COL_RIGHT, cell_field, "port"},
    {"MTU", COL_RIGHT, cell_device, "mtu"},
    {"DEVICE", COL_WIDE, cell_device, "ifname"},
    {"LEARNING", COL_WIDE, cell_field, "learning"},
    {"RX", COL_WIDE | COL_RIGHT, cell_bytes, "rx_bytes"},
    {"TX", COL_WIDE | COL_RIGHT, cell_bytes, "tx_bytes"},
    {"CHANGED", COL_WIDE | COL_RIGHT, cell_age, "changed"},
    {"STATUS", 0, cell_state, NULL},
    {"REASON", COL_MAYBE, cell_reason, NULL},
    {NULL},
};

static const struct column port_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"NODE", 0, cell_node, NULL},
    {"SWITCH", 0, cell_field, "switch"},
    {"TYPE", 0, cell_field, "type"},
    {"OWNER", 0, cell_field, "owner"},
    {"VLAN", COL_RIGHT | COL_MAYBE, cell_field, "vlan"},
    {"TRUNK", COL_MAYBE, cell_field, "trunk"},
    {"MAC", 0, cell_live_or_field, "mac"},
    {"MTU", COL_WIDE | COL_RIGHT, cell_live_or_field, "mtu"},
    {"PEER", COL_WIDE, cell_field, "peer"},
    {"RX", COL_WIDE | COL_RIGHT, cell_bytes, "rx_bytes"},
    {"TX", COL_WIDE | COL_RIGHT, cell_bytes, "tx_bytes"},
    {"CHANGED", COL_WIDE | COL_RIGHT, cell_age, "changed"},
    {"STATUS", 0, cell_state, NULL},
    {"REASON", COL_MAYBE, cell_reason, NULL},
    {NULL},
};

static void cell_member_state(struct table *t, const struct row *r, const char *arg)
{
    const struct value *m = value_get(r->thing, "member");
    const char *state = value_get_text(m, "member");
    bool lags = !value_get_bool(m, "in_sync", true) && state && strcmp(state, "alive") == 0;

    (void)arg;
    if (value_get_bool(m, "self", false))
        table_add(t, STYLE_GOOD, "this node");
    else
        table_add(t, lags ? STYLE_WARN : state_style(state),
            lags    ? "alive, behind"
            : state ? state
                    : "");
}

static void cell_member_ms(struct table *t, const struct row *r, const char *member)
{
    const struct value *v = value_get(value_get(r->thing, "member"), member);
    char text[HUMAN_TEXT];

    table_add(t, STYLE_PLAIN, value_is(v, VALUE_INT) ? elapsed_format(v->i, text) : "");
}

static const struct column node_columns[] = {
    {"NAME", 0, cell_text, "name"},
    {"STATE", 0, cell_member_state, NULL},
    {"HEARD", COL_RIGHT | COL_MAYBE, cell_member_ms, "heard_ms"},
    {"RTT", COL_RIGHT | COL_MAYBE, cell_member_ms, "rtt_ms"},
    {"ADDRESSES", 0, cell_field, "addresses"},
    {"LABELS", 0, cell_field, "labels"},
    {"ROLES", COL_MAYBE, cell_field, "roles"},
    {"MANAGEMENT", COL_MAYBE, cell_field, "management"},
    {"ID", COL_WIDE, cell_id, "id"},
    {"CHANGED", COL_WIDE | COL_RIGHT, cell_age, "changed"},
    {NULL},
};

const struct view view_vlans = {
    .noun = "vlan", .nouns = "vlans", .list = "objects", .columns = vlan_columns, .per_node = true};
const struct view view_switches = {.noun = "switch",
    .nouns = "switches",
    .list = "objects",
    .columns = switch_columns,
    .per_node = true};
const struct view view_overlays = {.noun = "overlay",
    .nouns = "overlays",
    .list = "objects",
    .columns = overlay_columns,
    .per_node = true};
const struct view view_ports = {
    .noun = "port", .nouns = "ports", .list = "objects", .columns = port_columns, .per_node = true};
const struct view view_nodes = {
    .noun = "node", .nouns = "nodes", .list = "objects", .columns = node_columns};

/* --- show ------------------------------------------------------------------------------------ */

void line_add(struct table *t, const char *label, enum style style, const char *text)
{
    if (!text || !*text)
        return;
    table_add(t, STYLE_DIM, label);
    table_add(t, style, text);
}

void line_value(struct table *t, const char *label, const struct value *v, const char *unit)
{
    struct buf b = BUF_INIT;

    if (v) {
        value_to_words(v, ", ", &b);
        if (unit && value_is(v, VALUE_INT))
            buf_printf(&b, " %s", unit);
        line_add(t, label, STYLE_PLAIN, buf_cstr(&b));
    }
    buf_done(&b);
}

/* "stp priority" for stp_priority, "ageing" for ageing_s: the unit stands after the value. */
static void label_of(const struct field *f, char ret_text[LABEL_TEXT])
{
    size_t n = strlen(f->name), unit = f->unit ? strlen(f->unit) : 0;

    if (unit && n > unit + 1 && f->name[n - unit - 1] == '_' &&
        strcmp(f->name + n - unit, f->unit) == 0)
        n -= unit + 1;
    snprintf(ret_text, LABEL_TEXT, "%.*s", (int)n, f->name);
    for (char *p = ret_text; *p; p++)
        if (*p == '_')
            *p = ' ';
}

/* A list of maps (ends of a tunnel): one line each. */
static void lines_phrases(struct table *t, const char *label, const struct value *list)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct buf b = BUF_INIT;
        value_to_phrase(list->v[i], &b);
        line_add(t, i == 0 ? label : " ", STYLE_PLAIN, buf_cstr(&b));
        buf_done(&b);
    }
}

static void line_default(
    struct table *t, const char *label, const struct kind_info *kind, const struct field *f)
{
    const struct value *v = schema_value(kind, NULL, f->name, NULL);
    struct buf b = BUF_INIT;

    value_to_words(v, ", ", &b);
    if (f->unit && value_is(v, VALUE_INT))
        buf_printf(&b, " %s", f->unit);
    buf_add_str(&b, " (default)");
    line_add(t, label, STYLE_DIM, buf_cstr(&b));
    buf_done(&b);
}

static void lines_of_spec(struct table *t, const struct kind_info *kind, const struct value *object)
{
    const struct value *spec = value_get(object, "spec");

    for (const struct field *f = kind->fields; f->name; f++) {
        const struct value *v = value_get(spec, f->name);
        char label[LABEL_TEXT];
        label_of(f, label);
        if (strcmp(f->name, "vni") == 0 && value_get(object, "vni"))
            line_value(t, label, value_get(object, "vni"), NULL);
        else if (v && f->type == F_STRUCT)
            lines_phrases(t, label, v);
        else if (v)
            line_value(t, label, v, f->unit);
        else if (f->otherwise)
            line_default(t, label, kind, f);
    }
}

static void line_traffic(
    struct table *t, const char *label, const struct value *stats, const char *direction)
{
    char member[32], bytes[HUMAN_TEXT], packets[HUMAN_TEXT];
    int64_t n[4];
    static const char *const what_[] = {"bytes", "packets", "errors", "dropped"};

    for (size_t i = 0; i < 4; i++) {
        snprintf(member, sizeof(member), "%s_%s", direction, what_[i]);
        n[i] = value_get_int(stats, member, -1);
    }
    if (n[0] < 0)
        return;
    struct err_text text;
    line_add(t, label, n[2] > 0 || n[3] > 0 ? STYLE_WARN : STYLE_PLAIN,
        err_text_format(&text, "%s in %s packets, %lld errors, %lld dropped",
            bytes_format((uint64_t)n[0], bytes),
            count_format(n[1] < 0 ? 0 : (uint64_t)n[1], packets), (long long)(n[2] < 0 ? 0 : n[2]),
            (long long)(n[3] < 0 ? 0 : n[3])));
}

void lines_of_stats(struct table *t, const struct value *stats)
{
    line_traffic(t, "received", stats, "rx");
    line_traffic(t, "sent", stats, "tx");
}

static void line_interface(struct table *t, const char *label, const struct value *live)
{
    const char *ifname = value_get_text(live, "ifname");
    struct err_text text;

    if (ifname)
        line_add(t, label, STYLE_PLAIN,
            err_text_format(&text, "%s, %s, %s", ifname,
                value_get_bool(live, "up", false) ? "up" : "down",
                value_get_bool(live, "carrier", false) ? "carrier" : "no carrier"));
}

/* "12 of 1024 in use, forgotten after 300 s"; not every kernel counts them. */
static void line_mac_table(struct table *t, const struct value *macs)
{
    int64_t used = value_get_int(macs, "used", -1), max = value_get_int(macs, "max", 0);
    struct buf b = BUF_INIT;

    if (!value_is(macs, VALUE_MAP))
        return;
    if (used >= 0)
        buf_printf(&b, "%lld", (long long)used);
    if (max > 0)
        buf_printf(&b, "%s%lld", used >= 0 ? " of " : "at most ", (long long)max);
    if (used >= 0)
        buf_add_str(&b, " in use");
    if (value_get(macs, "ageing_s"))
        buf_printf(&b, "%sforgotten after %lld s", b.n ? ", " : "",
            (long long)value_get_int(macs, "ageing_s", 0));
    line_add(t, "mac table", STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

/* An overlay has its tunnel's interface below the switch that carries its name. */
static void lines_of_device(struct table *t, const struct value *device)
{
    line_interface(t, "device", device);
    line_value(t, "device mtu", value_get(device, "mtu"), "bytes");
    line_value(t, "local end", value_get(device, "local"), NULL);
    lines_phrases(t, "forwards", value_get(device, "fdb"));
}

static void lines_of_live(struct table *t, const struct value *live)
{
    line_interface(t, "interface", live);
    line_value(t, "mac", value_get(live, "mac"), NULL);
    line_value(t, "mtu", value_get(live, "mtu"), "bytes");
    line_value(t, "addresses", value_get(live, "addresses"), NULL);
    line_value(t, "parent", value_get(live, "parent"), NULL);
    line_value(t, "switch", value_get(live, "master"), NULL);
    line_value(t, "peer", value_get(live, "peer"), NULL);
    line_value(t, "ports", value_get(live, "ports"), NULL);
    lines_phrases(t, "vlans", value_get(live, "vlans"));
    lines_phrases(t, "routes", value_get(live, "routes"));
    line_mac_table(t, value_get(live, "mac_table"));
    lines_phrases(t, "macs", value_get(live, "fdb"));
    lines_of_device(t, value_get(live, "device"));
    lines_of_stats(t, value_get(live, "stats"));
}

void lines_print(struct screen *s, struct table *t)
{
    table_print(t, s, false, 2);
    table_done(t);
}

struct table lines_start(void)
{
    struct table t = TABLE_INIT;

    table_add_column(&t, "", false, false);
    table_add_column(&t, "", false, false);
    return t;
}

static void print_node(struct screen *s, const struct value *object, const char *node)
{
    const struct value *status = value_get(value_get(object, "status"), node);
    const struct value *reason = value_get(status, "reason");
    const char *state = value_get_text(status, "state");
    char age[HUMAN_TEXT];
    struct table t = lines_start();

    screen_printf(s, "\n");
    screen_style(s, STYLE_STRONG, "%s", node);
    if (state) {
        screen_printf(s, "  %s ", state_mark(s, state));
        screen_style(s, state_style(state), "%s", state);
        age_of(s, value_get_text(status, "since"), age);
        if (*age)
            screen_printf(s, " for %s", age);
        if (*reason_what(reason))
            screen_printf(s, ": %s", reason_what(reason));
    }
    screen_printf(s, "\n");
    reason_print(s, reason, 2);
    lines_of_live(&t, value_get(value_get(object, "live"), node));
    lines_print(s, &t);
}

static void print_history(struct screen *s, const struct value *history)
{
    static const struct column columns[] = {{"CHANGE", 0, cell_id, "change"},
        {"AGE", COL_RIGHT, cell_age, "at"}, {"AUTHOR", 0, cell_text, "author"},
        {"ON", 0, cell_text, "origin"}, {"WHAT", 0, cell_text, "op"},
        {"MESSAGE", 0, cell_text, "message"}, {NULL}};
    static const struct view view = {.columns = columns};
    struct table t;

    if (!value_is(history, VALUE_LIST) || history->n == 0)
        return;
    screen_printf(s, "\n");
    screen_style(s, STYLE_STRONG, "history\n");
    view_to_table(&view, s, history, &t);
    table_print(&t, s, false, 2);
    table_done(&t);
}

static void print_object(struct screen *s, const struct value *object)
{
    const char *kind_name = value_get_text(object, "kind"), *name = value_get_text(object, "name");
    const struct kind_info *kind = kind_name ? schema_kind(kind_name) : NULL;
    const char *id = value_get_text(object, "id"), *rev = value_get_text(object, "rev");
    const char *author = value_get_text(object, "author");
    char created[HUMAN_TEXT], changed[HUMAN_TEXT], short_id[16], short_rev[16];
    struct table t = lines_start();
    struct err_text text;
    const char *node;

    screen_style(s, STYLE_STRONG, "%s %s\n", kind_name ? kind_name : "object", name ? name : "?");
    line_value(&t, "nodes", value_get(object, "nodes"), NULL);
    if (kind)
        lines_of_spec(&t, kind, object);
    age_of(s, value_get_text(object, "created"), created);
    age_of(s, value_get_text(object, "changed"), changed);
    if (*created)
        line_add(&t, "created", STYLE_PLAIN, err_text_format(&text, "%s ago", created));
    if (*changed)
        line_add(&t, "changed", STYLE_PLAIN,
            err_text_format(
                &text, "%s ago%s%s", changed, author ? " by " : "", author ? author : ""));
    if (id)
        line_add(&t, "id", STYLE_PLAIN,
            err_text_format(&text, "%s%s%s", id_short(id, short_id), rev ? ", revision " : "",
                id_short(rev, short_rev)));
    lines_print(s, &t);
    for (size_t i = 0; (node = object_node_each(object, &i));)
        print_node(s, object, node);
    print_history(s, value_get(object, "history"));
}

const struct view view_object = {.print = print_object};

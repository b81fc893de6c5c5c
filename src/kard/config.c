/* config.c: kard.yaml: one table of keys, read once at start. */
#include "kard/config.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "gossip/step.h"
#include "intent/value_yaml.h"
#include "intent/words.h"

/* Every address of the host, IPv4 and IPv6. */
const struct config CONFIG_DEFAULT = {
    .group = "kard",
    .log_level = LOG_INFO,
    .listen = {{.ip.family = 4, .port = GOSSIP_PORT}, {.ip.family = 6, .port = GOSSIP_PORT}},
    .listen_n = 2,
};

static const struct {
    const char *text;
    enum log_level level;
} levels[] = {
    {"error", LOG_ERROR},
    {"warn", LOG_WARN},
    {"note", LOG_NOTE},
    {"info", LOG_INFO},
    {"detail", LOG_DETAIL},
};

static int read_level(struct config *c, const char *text, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(text, levels[i].text) == 0) {
            c->log_level = levels[i].level;
            return 0;
        }
    }
    return err_set(e, ERR_FIELD_RANGE, what("there is no log level %.32s", text),
        why("it is error, warn, note, info or detail"), NULL);
}

static int read_node(struct config *c, const char *text, struct err *e)
{
    if (strlen(text) > NODE_NAME_MAX)
        return err_set(e, ERR_LIMIT, what("the node's name is too long"),
            why("at most %d characters", NODE_NAME_MAX), NULL);
    memcpy(c->node, text, strlen(text) + 1);
    return 0;
}

static int read_group_name(char ret[CONFIG_GROUP_MAX + 1], const char *text, struct err *e)
{
    if (strlen(text) > CONFIG_GROUP_MAX)
        return err_set(e, ERR_LIMIT, what("the group's name is too long"),
            why("at most %d characters", CONFIG_GROUP_MAX), NULL);
    memcpy(ret, text, strlen(text) + 1);
    return 0;
}

static int read_group(struct config *c, const char *text, struct err *e)
{
    return read_group_name(c->group, text, e);
}

static int read_read_group(struct config *c, const char *text, struct err *e)
{
    return read_group_name(c->read_group, text, e);
}

static int read_endpoint(
    struct endpoint v[CONFIG_LISTEN_MAX], size_t *n, const char *text, struct err *e)
{
    if (*n == CONFIG_LISTEN_MAX)
        return err_set(e, ERR_LIMIT, what("there are too many addresses"),
            why("at most %d", CONFIG_LISTEN_MAX), NULL);
    struct endpoint at;
    if (ip_port_parse(text, GOSSIP_PORT, &at.ip, &at.port) < 0 || ip_is_multicast(&at.ip))
        return err_set(e, ERR_SYNTAX, what("%.64s is no address to be reached at", text),
            why("it is ADDRESS, ADDRESS:PORT or [IPv6]:PORT; the port is else %d", GOSSIP_PORT),
            NULL);
    v[(*n)++] = at;
    return 0;
}

static int read_listen(struct config *c, const char *text, struct err *e)
{
    if (!c->listen_given)
        c->listen_n = 0;
    c->listen_given = true;
    return strcmp(text, "none") == 0 ? 0 : read_endpoint(c->listen, &c->listen_n, text, e);
}

static int read_addresses(struct config *c, const char *text, struct err *e)
{
    int r = read_endpoint(c->addresses, &c->addresses_n, text, e);
    if (r == 0 && hex_is_zero(c->addresses[c->addresses_n - 1].ip.b, 16))
        r = err_set(e, ERR_FIELD_RANGE, what("%.64s is no address to be reached at", text),
            why("it means every address of this host"), fix("name one of them"));
    return r;
}

static const struct {
    const char *name, *otherwise, *help;
    int (*read)(struct config *c, const char *text, struct err *e);
    bool many; /* a list; read is called for each */
} keys[] = {
    {"group", "kard", "its members may use the socket", read_group},
    {"read_group", "none", "its members may look, not change", read_read_group},
    {"log_level", "info", "error, warn, note, info or detail", read_level},
    {"node", "the host's name", "this node's name when it founds or joins", read_node},
    {"listen", "0.0.0.0 and ::, port 8747", "where other nodes are listened to, or none",
        read_listen, .many = true},
    {"addresses", "those of the host", "where other nodes reach this one", read_addresses,
        .many = true},
};

void config_help(struct buf *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        buf_printf(
            ret, "  %-11s %s (default: %s)\n", keys[i].name, keys[i].help, keys[i].otherwise);
}

static int read_key(struct config *c, const char *key, const struct value *v, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strcmp(key, keys[i].name) != 0)
            continue;
        const struct value *const *v_each = &v;
        size_t n = 1;
        if (keys[i].many && value_is(v, VALUE_LIST)) {
            v_each = (const struct value *const *)v->v;
            n = v->n;
        }
        int r = 0;
        for (size_t k = 0; r == 0 && k < n; k++)
            r = value_is(v_each[k], VALUE_TEXT)
                    ? keys[i].read(c, v_each[k]->s, e)
                    : err_set(e, ERR_FIELD_TYPE, what("%s is not a text", key), NULL, NULL);
        return r;
    }
    struct words all = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        words_add(&all, keys[i].name);
    return err_set(e, ERR_FIELD_UNKNOWN, what("there is no setting %.64s", key),
        why("kard.yaml has %s", words_text(&all)),
        fix("what concerns the network is set with karctl"));
}

static int read_docs(struct config *c, const char *path, const struct value *docs,
    const struct yaml_lines *lines, struct err *e)
{
    const struct value *map = docs->n ? docs->v[0] : NULL;
    if (docs->n > 1 || (map && map->type != VALUE_MAP && map->type != VALUE_NULL))
        return err_set(e, ERR_SYNTAX, what("%s is not one list of settings", path),
            why("each line is KEY: VALUE"), NULL);
    for (size_t i = 0; map && i < map->n; i++) {
        int r = read_key(c, map->keys[i], map->v[i], e);
        if (r < 0) {
            char at[ERR_AT_MAX];
            snprintf(at, sizeof(at), "/0/%.64s", map->keys[i]);
            err_prefix(e, "%s:%u", path, yaml_line_of(lines, at));
            return r;
        }
    }
    return 0;
}

int config_parse(const char *path, const char *text, size_t n, struct config *ret, struct err *e)
{
    struct config c = CONFIG_DEFAULT;
    struct value *docs = NULL;
    struct yaml_lines lines = {0};
    int r = value_from_yaml(text, n, &docs, &lines, e);
    if (r < 0)
        err_prefix(e, "%s", path);
    else
        r = read_docs(&c, path, docs, &lines, e);
    value_free(docs);
    yaml_lines_done(&lines);
    if (r == 0)
        *ret = c;
    return r;
}

int config_load(const char *path, struct config *ret, struct err *e)
{
    struct buf text = BUF_INIT;
    int r = file_read(path, CONFIG_BYTES_MAX, &text, e);
    if (r == -ERR_NOT_FOUND) {
        *ret = CONFIG_DEFAULT;
        r = 0;
    } else if (r == 0) {
        r = config_parse(path, buf_cstr(&text), text.n, ret, e);
    }
    buf_done(&text);
    return r;
}

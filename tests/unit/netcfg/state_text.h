/* state_text.h: netstates and plans as text, so that tests of netcfg read like stories.
 *
 *   link eth1 nic up=1 mtu=1500              a foreign interface
 *   link storage vlan ours=A parent=eth1 vlan.id=110 up=1
 *   link eth1 nic borrowed=B master=lan      desired: attributes of a foreign one
 *   addr storage 10.0.0.1/24 proto=86        also dynamic=1
 *   fdb vx-1 10.0.0.2
 *   vid tap0 10 pvid untagged                also self
 *   route storage 10.0.0.254 metric=1134
 *
 * An object is a letter; its alias is "kar:c:KIND/LETTER" unless alias= says otherwise. */
#ifndef KAR_TESTS_STATE_TEXT_H
#define KAR_TESTS_STATE_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/netvalue.h"
#include "netcfg/plan.h"

static const char *const state_kinds[] = {"nic", "bridge", "vlan", "vxlan", "tap", "veth"};

static inline object_id state_object(char letter)
{
    object_id id;
    memset(id.b, letter, sizeof(id.b));
    return id;
}

static inline void state_attr(struct netlink *l, const char *key, const char *text)
{
    enum netattr a;
    if (netattr_from_name(key, &a, NULL) != 0)
        fail_msg("no attribute %s", key);
    bool number = netattrs[a].width != W_MAC && netattrs[a].width != W_IFNAME &&
                  netattrs[a].width != W_IP;
    struct value *v = number ? value_int(atoll(text)) : value_text(text);
    assert_int_equal(netval_from_value(a, v, &l->attr[a], NULL), 0);
    value_free(v);
    l->set |= 1ULL << a;
}

static inline void state_link_word(struct netlink *l, const char *key, const char *text)
{
    if (strcmp(key, "ours") == 0 || strcmp(key, "borrowed") == 0) {
        l->owner = state_object(text[0]);
        l->ours = key[0] == 'o';
        l->borrowed = key[0] == 'b';
        if (!l->alias[0])
            snprintf(l->alias, sizeof(l->alias), "kar:c:%s/%.1s", state_kinds[l->kind], text);
    } else if (strcmp(key, "alias") == 0) {
        snprintf(l->alias, sizeof(l->alias), "%s", text);
    } else if (strcmp(key, "role") == 0) {
        snprintf(l->role, sizeof(l->role), "%s", text);
    } else if (strcmp(key, "index") == 0) {
        l->index = (uint32_t)atoi(text);
    } else {
        state_attr(l, key, text);
    }
}

static inline void state_link(struct netstate *s, char **save)
{
    const char *name = strtok_r(NULL, " ", save), *kind = strtok_r(NULL, " ", save), *word;
    enum linkkind k = LINK_OTHER;
    for (size_t i = 0; i < ARRAY_LEN(state_kinds); i++)
        k = strcmp(state_kinds[i], kind) == 0 ? (enum linkkind)i : k;
    struct netlink *l = netstate_add_link(s, name, k);
    while ((word = strtok_r(NULL, " ", save)) != NULL) {
        char key[64];
        const char *eq = strchr(word, '=');
        if (eq == NULL)
            fail_msg("no value in %s", word);
        snprintf(key, sizeof(key), "%.*s", (int)(eq - word), word);
        state_link_word(l, key, eq + 1);
    }
}

static inline void state_row(struct netstate *s, const char *what_, char **save)
{
    struct netaddr a = {{0}};
    struct netfdb f = {{0}};
    struct netvlan v = {{0}};
    struct netroute r = {.table = 254, .proto = NET_PROTO};
    const char *link = strtok_r(NULL, " ", save), *value = strtok_r(NULL, " ", save), *word;
    memcpy(a.link, link, strlen(link));
    memcpy(f.link, link, strlen(link));
    memcpy(v.link, link, strlen(link));
    memcpy(r.link, link, strlen(link));
    while ((word = strtok_r(NULL, " ", save)) != NULL) {
        const char *eq = strchr(word, '=');
        unsigned n = eq ? (unsigned)atoi(eq + 1) : 0;
        if (strncmp(word, "proto", 5) == 0)
            a.proto = r.proto = (uint8_t)n;
        else if (strncmp(word, "owner", 5) == 0)
            a.owner = f.owner = v.owner = r.owner = state_object(eq[1]);
        else if (strncmp(word, "metric", 6) == 0)
            r.metric = n;
        a.dynamic |= strcmp(word, "dynamic") == 0;
        v.pvid |= strcmp(word, "pvid") == 0;
        v.untagged |= strcmp(word, "untagged") == 0;
        v.self |= strcmp(word, "self") == 0;
    }
    if (strcmp(what_, "addr") == 0) {
        assert_int_equal(prefix_parse(value, &a.prefix), 0);
        VEC_PUSH(&s->addrs, a);
    } else if (strcmp(what_, "fdb") == 0) {
        assert_int_equal(ip_parse(value, &f.dst), 0);
        VEC_PUSH(&s->fdb, f);
    } else if (strcmp(what_, "vid") == 0) {
        v.vid = (uint16_t)atoi(value);
        VEC_PUSH(&s->vlans, v);
    } else if (strcmp(what_, "route") == 0) {
        assert_int_equal(ip_parse(value, &r.via), 0);
        r.dst.ip.family = r.via.family;
        VEC_PUSH(&s->routes, r);
    } else {
        fail_msg("what is %s", what_);
    }
}

/* A sorted state from lines as above. */
static inline struct netstate state_of(const char *text)
{
    struct netstate s = {0};
    char *copy = mem_strdup(text), *save_line, *save;
    for (char *line = strtok_r(copy, "\n", &save_line); line != NULL;
         line = strtok_r(NULL, "\n", &save_line)) {
        const char *first = strtok_r(line, " ", &save);
        if (strcmp(first, "link") == 0)
            state_link(&s, &save);
        else
            state_row(&s, first, &save);
    }
    free(copy);
    netstate_sort(&s);
    return s;
}

/* One line an operation: "!create bridge br0   # switch lan: wanted" ("!": disruptive). */
static inline char *plan_text(const struct plan *p)
{
    struct buf b = BUF_INIT;
    char text[KOP_TEXT];
    for (size_t i = 0; i < p->n; i++)
        buf_printf(&b, "%s%s  # %s\n", p->v[i].disruptive ? "!" : "", kop_format(&p->v[i], text),
            p->v[i].reason);
    for (size_t i = 0; i < p->blocked.n; i++)
        buf_printf(&b, "blocked: %s\n", p->blocked.v[i].text);
    return buf_take(&b);
}

#endif

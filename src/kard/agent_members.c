/* agent_members.c: who has ever been a member, with its key, and who is one now.
 *
 * Owns the table that the protocol reads through its view. A node object may be written by any
 * member, so a session key counts only with the signature of the node's own identity. */
#include "kard/agent_members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/join.h"

static void member_free(struct member *m)
{
    value_free(m->fact);
    free(m);
}

void members_done(struct members *l)
{
    for (size_t i = 0; i < l->n; i++)
        member_free(l->v[i]);
    free(l->v);
    map_done(&l->by_id);
    *l = (struct members){0};
}

struct member *members_find(const struct members *l, const node_id *id)
{
    return map_get(&l->by_id, id->b, sizeof(id->b));
}

/* NULL when there is no room: beyond the protocol's own limit nobody is let in. */
static struct member *members_add(struct members *l, const struct key_public *key)
{
    node_id id;
    crypto_digest(id.b, sizeof(id.b), key->b, sizeof(key->b));
    struct member *m = members_find(l, &id);
    if (m || l->n >= GOSSIP_MEMBERS_MAX)
        return m;
    m = MEM_NEW(struct member);
    m->is.id = id;
    m->is.key = *key;
    VEC_PUSH(l, m);
    map_set(&l->by_id, id.b, sizeof(id.b), m);
    return m;
}

bool members_note(struct members *l, const struct change *c)
{
    bool concerns = false;
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        struct member_record r;
        if (o->kind != KIND_NODE)
            continue;
        concerns = true;
        if (c->ops[i].type != OP_PUT || !member_from_spec(o->spec, &r))
            continue;
        struct member *m = members_add(l, &r.key);
        if (!m)
            continue;
        m->seen = true;
        /* The intent says better, but not of who was removed: it is known by the last key that it
         * had, so that it can still be told (seen in the simulation, seed 728: all restarted). */
        if (ID_IS_ZERO(&m->rev) && !ID_IS_ZERO(&r.session)) {
            r.removed = m->is.removed;
            m->is = r;
        }
        snprintf(m->name, sizeof(m->name), "%s", o->name);
    }
    return concerns;
}

struct member *members_tell(struct members *l, const struct member_record *r, const char *name)
{
    struct member *m = members_add(l, &r->key);
    if (!m || m->seen)
        return m;
    node_id id = m->is.id;
    m->is = *r;
    m->is.id = id;
    snprintf(m->name, sizeof(m->name), "%s", name);
    return m;
}

bool members_introduce(struct members *l, const struct change *c)
{
    bool added = false;
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        struct member_record r;
        if (o->kind != KIND_NODE || c->ops[i].type != OP_PUT || !member_from_spec(o->spec, &r) ||
            members_find(l, &r.id))
            continue;
        struct member *m = members_add(l, &r.key);
        if (!m)
            continue;
        m->is = r;
        m->is.introduced = true;
        m->by = c->origin;
        m->stream = c->stream;
        m->seq = c->seq;
        snprintf(m->name, sizeof(m->name), "%s", o->name);
        added = true;
    }
    return added;
}

struct member *members_each_introduced(const struct members *l, size_t *cursor)
{
    while (*cursor < l->n) {
        struct member *m = l->v[(*cursor)++];
        if (m->is.introduced && !m->is.removed)
            return m;
    }
    return NULL;
}

/* A removal that is not decided yet locks its node out already. */
static bool is_leaving(const struct entry *entry)
{
    for (size_t i = 0; i < entry->revs_n; i++)
        if (entry->revs[i]->type == OP_DELETE && entry->revs[i]->standing == STANDING_WAITS)
            return true;
    return false;
}

/* Verifying its signature is the dear part: once per revision. */
static void member_refresh(struct member *m, const struct intent *in, const struct ledger *ledger,
    const cluster_id *cluster)
{
    bool decides = memcmp(m->is.id.b, cluster->b, sizeof(m->is.id.b)) == 0;
    const struct object *o = intent_node(in, ID_TEXT(&m->is.id));
    const struct entry *entry = o ? intent_entry(in, &o->id) : NULL;
    struct member_record r;
    m->is.removed = !entry || ledger_removed(ledger, &m->is.id, NULL) ||
                    (!decides && is_leaving(entry)); /* it alone can refuse its removal */
    if (!entry || ID_EQ(&m->rev, &entry->revs[0]->rev) || !member_from_spec(o->spec, &r))
        return;
    r.removed = m->is.removed;
    m->is = r;
    m->rev = entry->revs[0]->rev;
    snprintf(m->name, sizeof(m->name), "%s", o->name);
}

void members_refresh(struct members *l, const struct intent *in, const struct ledger *ledger,
    const cluster_id *cluster)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i]->seen)
            member_refresh(l->v[i], in, ledger, cluster);
}

struct member *members_named(const struct members *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (!l->v[i]->is.removed && strcmp(l->v[i]->name, name) == 0)
            return l->v[i];
    return NULL;
}

size_t members_count(const struct members *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += !l->v[i]->is.removed;
    return n;
}

const char *members_name(const struct members *l, const node_id *id)
{
    const struct member *m = members_find(l, id);
    return m && m->name[0] ? m->name : "?";
}

/* --- a node object's fields ------------------------------------------------------------------- */

struct session_field { /* as it stands in the object, in hexadecimal */
    struct dh_public key;
    uint8_t signature[SIGNATURE_BYTES];
};

void member_to_spec(
    const struct member_record *r, const uint8_t signature[SIGNATURE_BYTES], struct value *spec)
{
    struct session_field s = {.key = r->session};
    char text[2 * sizeof(s) + 1], at[IP_PORT_TEXT];
    memcpy(s.signature, signature, sizeof(s.signature));
    struct value *addresses = r->at_n ? value_list() : NULL;
    for (size_t i = 0; i < r->at_n; i++)
        value_add(
            addresses, value_text(ip_port_format(&r->at[i].ip, r->at[i].port, GOSSIP_PORT, at)));
    value_set_text(spec, "key", ID_TEXT(&r->key));
    value_set_text(spec, "session", hex_encode((const uint8_t *)&s, sizeof(s), text));
    value_set(spec, "addresses", addresses);
}

bool member_from_spec(const struct value *spec, struct member_record *ret)
{
    struct member_record r = {0};
    struct session_field s;
    const char *key = value_get_text(spec, "key"), *session = value_get_text(spec, "session");
    const struct value *at = value_get(spec, "addresses");
    if (!key || hex_decode(key, r.key.b, sizeof(r.key.b)) < 0)
        return false;
    crypto_digest(r.id.b, sizeof(r.id.b), r.key.b, sizeof(r.key.b));
    if (session && hex_decode(session, (uint8_t *)&s, sizeof(s)) == 0 &&
        session_key_verify(&r.key, &s.key, s.signature))
        r.session = s.key;
    for (size_t i = 0; value_is(at, VALUE_LIST) && i < at->n && r.at_n < MEMBER_ENDPOINTS_MAX;
         i++) {
        struct endpoint *e = &r.at[r.at_n];
        if (value_is(at->v[i], VALUE_TEXT) &&
            ip_port_parse(at->v[i]->s, GOSSIP_PORT, &e->ip, &e->port) == 0)
            r.at_n++;
    }
    *ret = r;
    return true;
}

/* cluster_check.c: what must hold once the faults are over and everybody had time.
 *
 * A node's picture is text: everything that must be equal everywhere, a line for each thing, so
 * that what differs can be shown. */
#include "base/id.h"
#include "cluster.h"
#include "intent/admission.h"
#include "netcfg/netattr.h"
#include "netcfg/plan.h"
#include "netcfg/render.h"

/* --- the picture ----------------------------------------------------------- */

static void picture_object(
    struct buf *b, const struct agent *a, const struct verdicts *v, const struct object *o)
{
    static const char *const verdict_texts[] = {"admitted", "blocked", "conflicted", "pending"};
    const struct verdict *said = admission_verdict(v, &o->id);
    const struct entry *entry = intent_entry(a->intent, &o->id);
    struct value *doc = object_to_value(o);
    value_to_json(doc, 0, b);
    value_free(doc);
    for (size_t i = 0; entry != NULL && i < entry->revs_n; i++)
        buf_printf(b, " rev %s", ID_TEXT(&entry->revs[i]->rev));
    if (said != NULL)
        buf_printf(b, " %s %s %s", verdict_texts[said->type], said->reason.what, said->reason.why);
    buf_printf(b, " vni %u\n", ledger_vni(a->ledger, &o->id));
}

static int cmp_ids(const void *a, const void *b)
{
    return ID_CMP((const change_id *)a, (const change_id *)b);
}

/* Those that count: what a removed node said last may be in some histories only. */
static void picture_changes(struct buf *b, const struct agent *a)
{
    const struct history *h = &a->history;
    change_id *ids = mem_alloc((h->n + 1) * sizeof(*ids));
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct history_row *row = &h->v[i];
        if (row->seq <= ledger_stream_limit(a->ledger, &row->origin, row->stream))
            ids[n++] = row->id;
    }
    qsort(ids, n, sizeof(*ids), cmp_ids);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "change %s\n", ID_TEXT(&ids[i]));
    free(ids);
}

/* Objects with all live revisions, verdicts, the ledger, and which changes are there. */
static char *picture(const struct cnode *n)
{
    const struct agent *a = n->t.agent;
    struct buf b = BUF_INIT;
    struct verdicts v;
    const struct object *o;
    admission_judge(a->intent, a->ledger, NULL, &v);
    buf_printf(&b, "ledger %llu\n", (unsigned long long)ledger_last(a->ledger));
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i)) != NULL;)
        picture_object(&b, a, &v, o);
    picture_changes(&b, a);
    admission_done(&v);
    return buf_take(&b);
}

/* The first line in which two texts differ. */
static void first_difference(const char *a, const char *b, char ret[2][300])
{
    size_t line = 0, i = 0;
    for (; a[i] != '\0' && a[i] == b[i]; i++)
        line = a[i] == '\n' ? i + 1 : line;
    snprintf(ret[0], sizeof(ret[0]), "%.*s", (int)strcspn(a + line, "\n"), a + line);
    snprintf(ret[1], sizeof(ret[1]), "%.*s", (int)strcspn(b + line, "\n"), b + line);
}

static bool check_equal(struct cluster *c)
{
    struct cnode *first = NULL;
    char *expected = NULL;
    bool good = true;
    for (unsigned i = 0; i < c->net.n && good; i++) {
        struct cnode *n = &c->node[i];
        if (!n->member || n->dead)
            continue;
        char *is = picture(n), differ[2][300];
        if (expected != NULL && strcmp(is, expected) != 0) {
            first_difference(expected, is, differ);
            good = cluster_fail(c, "replicas differ:\n  %s has %s\n  %s has %s", first->name,
                differ[0], n->name, differ[1]);
        }
        if (expected == NULL) {
            expected = is;
            first = n;
        } else {
            free(is);
        }
    }
    free(expected);
    return good;
}

/* --- promises -------------------------------------------------------------- */

static bool check_acknowledged(struct cluster *c)
{
    for (size_t i = 0; i < c->acks.n; i++) {
        const struct ack *k = &c->acks.v[i];
        if (!c->node[k->node].member)
            continue; /* removed: what it said last may not count */
        for (unsigned j = 0; j < c->net.n; j++) {
            const struct cnode *n = &c->node[j];
            if (n->member && !n->dead && history_find(&n->t.agent->history, &k->id) == NULL)
                return cluster_fail(c, "%s acknowledged change %.12s, %s does not have it",
                    c->node[k->node].name, ID_TEXT(&k->id), n->name);
        }
    }
    return true;
}

/* What is programmed was granted to it once. (What was deleted elsewhere may still run here, and
 * its VNI be somebody else's, until this node hears of it.) */
static bool check_granted(struct cnode *n, const struct netlink *l)
{
    struct granted key = {.vni = l->attr[NA_VX_ID].u, .holder = l->owner};
    return n->c->provisional || map_get(&n->c->granted, &key, sizeof(key)) != NULL ||
           cluster_fail(n->c, "%s runs %s with VNI %llu, which nobody granted it", n->name,
               l->alias, (unsigned long long)key.vni);
}

bool check_claims(struct cluster *c)
{
    bool good = true;
    for (unsigned i = 0; i < c->net.n && good; i++) {
        struct cnode *n = &c->node[i];
        struct netstate s = {0};
        if (!n->member || n->dead)
            continue;
        n->t.kernel_real->dump(n->t.kernel, false, &s, NULL);
        for (size_t j = 0; j < s.links.n && good; j++)
            good = s.links.v[j].kind != LINK_VXLAN || check_granted(n, &s.links.v[j]);
        netstate_done(&s);
    }
    return good;
}

static bool check_vni(struct cluster *c, struct map *holders, const struct netlink *l)
{
    uint64_t vni = l->attr[NA_VX_ID].u;
    const struct netlink *other = map_get(holders, &vni, sizeof(vni));
    if (other == NULL)
        map_set(holders, &vni, sizeof(vni), mem_dup(l, sizeof(*l)));
    return other == NULL || ID_EQ(&other->owner, &l->owner) ||
           cluster_fail(c, "VNI %llu is programmed for two objects: %s, %s",
               (unsigned long long)vni, other->alias, l->alias);
}

/* A VNI programmed on any two nodes belongs to one object. */
static bool check_unique(struct cluster *c)
{
    struct map holders = MAP_INIT;
    bool good = true;
    for (unsigned i = 0; i < c->net.n && good; i++) {
        struct cnode *n = &c->node[i];
        struct netstate s = {0};
        n->t.kernel_real->dump(n->t.kernel, false, &s, NULL);
        for (size_t j = 0; j < s.links.n && good && n->member; j++)
            good = s.links.v[j].kind != LINK_VXLAN || check_vni(c, &holders, &s.links.v[j]);
        netstate_done(&s);
    }
    map_done_with(&holders, free);
    return good;
}

/* --- tunnels --------------------------------------------------------------- */

/* Whose disk says that it is this node; also when its process is gone. NULL: it left. */
static struct cnode *node_of(struct cluster *c, const node_id *id)
{
    for (unsigned i = 0; i < c->net.n; i++) {
        struct cnode *n = &c->node[i];
        struct buf b = BUF_INIT;
        bool is = n->t.store_real->get(n->t.store, STORE_META, "node", 4, &b, NULL) == 0 &&
                  b.n == sizeof(id->b) && memcmp(b.p, id->b, b.n) == 0;
        buf_done(&b);
        if (is)
            return n;
    }
    return NULL;
}

static bool disk_has_change(const struct cnode *n, const struct history_row *row)
{
    const struct change at = {.origin = row->origin, .stream = row->stream, .seq = row->seq};
    uint8_t key[CHANGE_KEY_BYTES];
    struct buf b = BUF_INIT;
    change_key(&at, key);
    int r = n->t.store_real->get(n->t.store, STORE_CHANGES, key, sizeof(key), &b, NULL);
    buf_done(&b);
    return r == 0;
}

/* Whether a change that put the object, as `n` knows them, is on the disk of `other`. */
static bool disk_has(const struct cnode *other, const struct cnode *n, const object_id *id)
{
    const struct history *h = &n->t.agent->history;
    for (size_t i = 0; i < h->n; i++)
        if (history_row_concerns(&h->v[i], id) && disk_has_change(other, &h->v[i]))
            return true;
    return false;
}

static bool check_tunnel(struct cnode *n, const struct netlink *l)
{
    const struct agent *a = n->t.agent;
    const struct object *o = intent_get(a->intent, &l->owner);
    node_id peer;
    if (o == NULL || !hold_peer_of(a, o, &peer))
        return true; /* a mesh; or deleted, and about to go */
    struct cnode *other = node_of(n->c, &peer);
    if (other == NULL || disk_has(other, n, &o->id))
        return true;
    return cluster_fail(
        n->c, "%s has an end of %s, %s does not hold it", n->name, l->alias, other->name);
}

bool check_tunnels(struct cnode *n)
{
    struct netstate s = {0};
    bool good = true;
    n->t.kernel_real->dump(n->t.kernel, false, &s, NULL);
    for (size_t i = 0; i < s.links.n && good; i++)
        good = s.links.v[i].kind != LINK_VXLAN || check_tunnel(n, &s.links.v[i]);
    netstate_done(&s);
    return good;
}

/* Everybody is reached: nobody waits for an end that could be made. */
static bool check_waits(struct cnode *n, const struct render_notes *notes)
{
    struct agent *a = n->t.agent;
    for (size_t i = 0; i < notes->n; i++) {
        const struct object *o = intent_get(a->intent, &notes->v[i].object);
        node_id peer;
        if (!notes->v[i].pair || o == NULL || !hold_peer_of(a, o, &peer))
            continue;
        struct cnode *other = node_of(n->c, &peer);
        const struct hold *there = other != NULL && other->member
                                       ? hold_find(other->t.agent, &o->id)
                                       : NULL;
        if (there != NULL && (there->ready || there->held))
            return cluster_fail(
                n->c, "%s: %s (%s)", n->name, notes->v[i].reason.what, notes->v[i].reason.why);
    }
    return true;
}

/* --- rest ------------------------------------------------------------------ */

static bool check_plan(struct cnode *n)
{
    struct agent *a = n->t.agent;
    struct netstate s = {0}, desired;
    struct render_notes notes;
    struct plan p;
    char text[KOP_TEXT];
    cnode_enter(n);
    n->t.kernel_real->dump(n->t.kernel, false, &s, NULL);
    converge_render(a, a->intent, a->ledger, &a->verdicts, &s, &desired, &notes);
    plan_make(&desired, &s, &a->converge.loans, &p);
    bool good = p.n == 0 || cluster_fail(n->c, "%s has still to do: %s (%s)", n->name,
                                kop_format(&p.v[0], text), p.v[0].reason);
    good = good && check_waits(n, &notes);
    plan_done(&p);
    render_notes_done(&notes);
    netstate_done(&desired);
    netstate_done(&s);
    return good;
}

/* What a removed node said last does not count, that it let somebody in among it, unless the
 * acceptor had heard of it. Who was let in so is a member of nothing, and must know it. */
static void look_for_lost(struct cluster *c)
{
    struct member_life life;
    for (unsigned i = 0; i < c->net.n; i++) {
        struct cnode *n = &c->node[i];
        const struct agent *genesis = c->node[0].t.agent;
        if (!n->member || n->dead || !n->sponsor || c->node[0].dead || !genesis->gossip.step)
            continue;
        if ((n->sponsor->gone || n->sponsor->lost) && n->t.agent->removed &&
            !gossip_member(genesis->gossip.step, &n->t.agent->is.self, &life)) {
            n->member = false;
            n->lost = true;
        }
    }
}

/* Everybody alive is alive for everybody. */
static bool check_members(struct cluster *c)
{
    for (unsigned i = 0; i < c->net.n; i++) {
        const struct cnode *a = &c->node[i];
        if (a->member && (a->dead || a->t.agent->gossip.step == NULL))
            return cluster_fail(c, "%s takes no part", a->name);
        for (unsigned j = 0; j < c->net.n; j++) {
            const struct cnode *b = &c->node[j];
            struct member_life life = {0};
            if (i == j || !a->member || !b->member)
                continue;
            if (!gossip_member(a->t.agent->gossip.step, &b->t.agent->is.self, &life))
                return cluster_fail(c, "%s does not know %s", a->name, b->name);
            if (life.state != MEMBER_ALIVE)
                return cluster_fail(c, "%s holds %s for %s", a->name, b->name,
                    life.state == MEMBER_DEAD ? "dead" : "not alive");
        }
    }
    return true;
}

/* Who was removed has heard of it, and its members know it no more. */
static bool check_gone(struct cluster *c)
{
    for (unsigned i = 0; i < c->net.n; i++) {
        const struct cnode *n = &c->node[i];
        if (!n->lost && (!n->gone || !c->node[n->gone_by].member))
            continue;
        if (!n->dead && !n->t.agent->removed)
            return cluster_fail(c, "%s is removed and does not know it", n->name);
        for (unsigned j = 0; j < c->net.n; j++) {
            const struct cnode *other = &c->node[j];
            struct member_life life;
            if (other->member &&
                gossip_member(other->t.agent->gossip.step, &n->t.agent->is.self, &life))
                return cluster_fail(
                    c, "%s is removed, %s holds it for a member", n->name, other->name);
        }
    }
    return true;
}

bool cluster_check(struct cluster *c)
{
    look_for_lost(c);
    if (!check_members(c) || !check_gone(c) || !check_equal(c) || !check_acknowledged(c) ||
        !check_claims(c) || !check_unique(c))
        return false;
    for (unsigned i = 0; i < c->net.n; i++) {
        if (c->node[i].member && !check_plan(&c->node[i]))
            return false;
    }
    return true;
}

/* The same, but what does not hold yet may hold in a while. */
bool cluster_settle(struct cluster *c, time_ms at_most)
{
    for (time_ms waited = 0; c->failure[0] == '\0'; waited += SETTLE_STEP_MS) {
        bool last = waited >= at_most;
        c->patient = !last;
        bool good = cluster_check(c);
        c->patient = false;
        if (good || last)
            return good;
        cluster_run_ms(c, SETTLE_STEP_MS);
    }
    return false;
}

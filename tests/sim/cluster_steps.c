/* cluster_steps.c: a random life of a cluster: operators, and everything that may go wrong.
 *
 * Every step has dice of its own, so that a failing life still fails with steps left out. */
#include "cluster_steps.h"
#include "cluster.h"

static uint64_t below(struct cluster *c, uint64_t n)
{
    return rng_below(&c->dice, n);
}

/* splitmix64 over both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * 0x9e3779b97f4a7c15U + b + 1;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

static struct cnode *any(struct cluster *c)
{
    return &c->node[below(c, c->net.n)];
}

/* A member whose process runs; NULL: the dice found none. */
static struct cnode *any_member(struct cluster *c)
{
    struct cnode *n = any(c);
    return n->member && !n->dead ? n : NULL;
}

/* --- operators ------------------------------------------------------------- */

static void step_switch(struct cluster *c)
{
    struct cnode *n = any_member(c);
    unsigned name = (unsigned)below(c, 4), ageing = (unsigned)(300 + below(c, 100));
    if (n == NULL)
        return;
    if (below(c, 4) == 0)
        life_apply(n, "{'op':'delete','kind':'switch','name':'lan%u'}", name);
    else
        life_apply(n, "{'kind':'switch','name':'lan%u','nodes':'all','spec':{'ageing_s':%u}}", name,
            ageing);
}

/* Between two nodes of three: there are several changes to each. */
static void tunnel(struct cluster *c, struct cnode *n)
{
    unsigned a = (unsigned)below(c, 3), b = (a + 1 + (unsigned)below(c, 2)) % 3;
    if (below(c, 4) == 0)
        life_apply(n, "{'op':'delete','kind':'overlay','name':'tu%u'}", a + b);
    else
        life_apply(n,
            "{'kind':'overlay','name':'tu%u','spec':{'underlay':'eth2',"
            "'endpoints':[{'node':'%s'},{'node':'%s'}]}}",
            a + b, c->node[a].name, c->node[b].name);
}

static void step_overlay(struct cluster *c)
{
    struct cnode *n = any_member(c);
    unsigned name = (unsigned)below(c, 5), vni = (unsigned)(5000 + below(c, 4));
    uint64_t how = below(c, 5);
    if (n == NULL)
        return;
    if (how == 0)
        life_apply(n, "{'op':'delete','kind':'overlay','name':'ov%u'}", name);
    else if (how == 1)
        tunnel(c, n);
    else if (how == 2)
        life_apply(
            n, "{'kind':'overlay','name':'ov%u','nodes':'all','spec':{'underlay':'eth2'}}", name);
    else
        life_apply(n,
            "{'kind':'overlay','name':'ov%u','nodes':'all',"
            "'spec':{'underlay':'eth2','vni':%u}}",
            name, vni);
}

static void step_vlan(struct cluster *c)
{
    struct cnode *n = any_member(c);
    unsigned tag = (unsigned)(10 + below(c, 6));
    if (n == NULL)
        return;
    if (below(c, 3) == 0)
        life_apply(n, "{'op':'delete','kind':'vlan','name':'v%u','nodes':'%s'}", tag, n->name);
    else
        life_apply(n,
            "{'kind':'vlan','name':'v%u','nodes':'%s',"
            "'spec':{'parent':'eth1','tag':%u,'mtu':%u}}",
            tag, n->name, tag, (unsigned)(1300 + below(c, 200)));
}

/* Two operators at two nodes want the same at the same moment. */
static void step_rivals(struct cluster *c)
{
    struct cnode *a = any_member(c), *b = any_member(c);
    unsigned vni = (unsigned)(5000 + below(c, 4)), i = (unsigned)below(c, 3);
    if (a == NULL || b == NULL || a == b)
        return;
    life_apply(a,
        "{'kind':'overlay','name':'ra%u','nodes':'all','spec':{'underlay':'eth2','vni':%u}}", i,
        vni);
    life_apply(b,
        "{'kind':'overlay','name':'rb%u','nodes':'all','spec':{'underlay':'eth2','vni':%u}}", i,
        vni);
}

/* It may run before it is decided, and lose. */
static void step_provisional(struct cluster *c)
{
    struct cnode *n = any_member(c);
    if (n == NULL)
        return;
    life_apply_provisional(n,
        "{'kind':'overlay','name':'pv%u','nodes':'all','spec':{'underlay':'eth2','vni':%u}}",
        (unsigned)below(c, 3), (unsigned)(5000 + below(c, 4)));
}

/* Two nodes come with one token. */
static void step_token_race(struct cluster *c)
{
    struct cnode *sponsor = any_member(c), *a = any(c), *b = any(c);
    if (sponsor != NULL && a != b && !a->dead && !a->member && !b->dead && !b->member)
        life_race(a, b, sponsor, 8000);
}

static void step_leave(struct cluster *c)
{
    struct cnode *n = any_member(c);
    unsigned members = 0;
    for (unsigned i = 0; i < c->net.n; i++)
        members += c->node[i].member;
    if (n != NULL && n->i != 0 && members > 3)
        life_leave(n, 8000);
}

static void step_join(struct cluster *c)
{
    struct cnode *sponsor = any_member(c), *n = any(c);
    if (sponsor != NULL && !n->dead && !n->member)
        life_join(n, sponsor, 8000);
}

/* The genesis node decides; it is not removed here. */
static void step_remove(struct cluster *c)
{
    struct cnode *n = any_member(c), *gone = any(c);
    unsigned members = 0;
    for (unsigned i = 0; i < c->net.n; i++)
        members += c->node[i].member;
    if (n != NULL && gone->i != 0 && gone != n && gone->member && members > 3)
        life_remove(n, gone);
}

/* --- faults ---------------------------------------------------------------- */

static void step_pass(struct cluster *c)
{
    cluster_run_ms(c, (time_ms)below(c, 3000));
}

static void step_split(struct cluster *c)
{
    uint64_t sides = rng_next(&c->dice);
    cluster_say(c, "  sides %llx", (unsigned long long)(sides & ((1ULL << c->net.n) - 1)));
    for (unsigned a = 0; a < c->net.n; a++)
        for (unsigned b = 0; b < a; b++)
            net_cut(&c->net, a, b, ((sides >> a ^ sides >> b) & 1) != 0);
}

static void step_one_way(struct cluster *c)
{
    unsigned a = (unsigned)below(c, c->net.n), b = (unsigned)below(c, c->net.n);
    for (unsigned path = 0; path < NET_PATHS; path++)
        c->net.cut[path][a][b] = below(c, 3) != 0;
}

static void step_heal(struct cluster *c)
{
    net_heal(&c->net);
}

static void step_crash(struct cluster *c)
{
    struct cnode *n = any(c);
    cluster_say(c, "  %s dies", n->name);
    cnode_crash(n);
}

static void step_restart(struct cluster *c)
{
    struct cnode *n = any(c);
    cluster_say(c, "  %s starts again", n->name);
    cnode_restart(n);
}

static void step_mass_restart(struct cluster *c)
{
    for (unsigned i = 0; i < c->net.n; i++)
        cnode_restart(&c->node[i]);
}

static void step_stall(struct cluster *c)
{
    struct cnode *n = any(c);
    net_stall(&c->net, n->i, c->net.now_us + (int64_t)below(c, 8000) * 1000);
}

static void step_weather(struct cluster *c)
{
    c->net.weather = (struct net_weather){.loss_ppm = below(c, 200000),
        .twice_ppm = below(c, 100000),
        .late_ppm = below(c, 200000),
        .hop_min_us = 100 + below(c, 500),
        .hop_max_us = 600 + below(c, 50000),
        .late_max_us = 1 + below(c, 300000)};
}

static void step_clock(struct cluster *c)
{
    struct cnode *n = any(c);
    n->wall_off += (time_ms)below(c, 20000) - 10000;
    if (below(c, 5) == 0)
        n->wall_off += (time_ms)below(c, 7200000) - 3600000;
}

static void step_full(struct cluster *c)
{
    struct cnode *n = any(c);
    n->full = !n->full;
    test_agent_fill(&n->t, n->full);
    cluster_say(c, "  the disk of %s %s", n->name, n->full ? "is full" : "has room");
}

/* If all moved while one is down, nobody could find it or be found by it: n1 stays. */
static void step_move(struct cluster *c)
{
    struct cnode *n = any(c);
    if (n->i == 0)
        return;
    net_move(&c->net, n->i, (uint16_t)(++c->moves * 256 + n->i + 1));
}

/* --- a life ---------------------------------------------------------------- */

static const struct step {
    const char *name;
    unsigned weight;
    void (*fn)(struct cluster *c);
} steps[] = {
    {"a switch everywhere", 12, step_switch},
    {"an overlay", 12, step_overlay},
    {"a vlan of one node", 6, step_vlan},
    {"rivals", 8, step_rivals},
    {"something provisional", 3, step_provisional},
    {"a node joins", 5, step_join},
    {"two nodes, one token", 2, step_token_race},
    {"a node leaves", 2, step_leave},
    {"a node is removed", 2, step_remove},
    {"time passes", 24, step_pass},
    {"a split", 5, step_split},
    {"a cut one way", 3, step_one_way},
    {"all paths are healed", 6, step_heal},
    {"a crash", 4, step_crash},
    {"a restart", 8, step_restart},
    {"all restart", 1, step_mass_restart},
    {"a stall", 4, step_stall},
    {"weather", 4, step_weather},
    {"a clock jumps", 3, step_clock},
    {"a disk", 3, step_full},
    {"a node moves", 2, step_move},
};

size_t steps_of(uint64_t seed)
{
    return 8 + mix(seed, 77) % (STEPS_MAX - 8);
}

static void step_run(struct cluster *c)
{
    unsigned sum = 0;
    size_t i = 0;
    for (i = 0; i < ARRAY_LEN(steps); i++)
        sum += steps[i].weight;
    uint64_t dice = below(c, sum);
    for (i = 0; dice >= steps[i].weight; i++)
        dice -= steps[i].weight;
    cluster_say(c, "%s", steps[i].name);
    steps[i].fn(c);
}

/* All that is wrong ends: what is left is to come together. */
static void the_end(struct cluster *c)
{
    cluster_say(c, "the end: all is well again");
    net_heal(&c->net);
    c->net.weather = (struct net_weather){.hop_min_us = 200, .hop_max_us = 800};
    for (unsigned i = 0; i < c->net.n; i++) {
        struct cnode *n = &c->node[i];
        net_stall(&c->net, i, 0);
        if (n->full)
            test_agent_fill(&n->t, n->full = false);
        if (n->dead)
            cnode_restart(n);
    }
    cluster_run_ms(c, 3000);
    life_reap(c, true);
    cluster_settle(c, SETTLE_MS);
}

/* Most of them are members from the beginning. */
static void begin(struct cluster *c, uint64_t seed)
{
    unsigned n = 5 + (unsigned)(mix(seed, 1) % 5), first = 3 + (unsigned)(mix(seed, 2) % (n - 2));
    cluster_open(c, n, seed);
    for (unsigned i = 0; i < n; i++)
        c->node[i].skew_ppm = (int64_t)(mix(seed, 100 + i) % 1000) - 500;
    life_found(&c->node[0]);
    for (unsigned i = 1; i < first && c->failure[0] == '\0'; i++) {
        if (!life_join(&c->node[i], &c->node[mix(seed, i) % i], 8000))
            cluster_fail(c, "%s cannot join in calm weather", c->node[i].name);
    }
}

bool steps_run(struct cluster *c, uint64_t seed, size_t n, const bool *skip)
{
    begin(c, seed);
    for (size_t i = 0; i < n && c->failure[0] == '\0'; i++) {
        if (skip != NULL && skip[i])
            continue;
        rng_seed(&c->dice, mix(seed, 1000 + i));
        step_run(c);
        cluster_run_ms(c, (time_ms)below(c, 400));
        life_reap(c, false);
        check_claims(c);
    }
    if (c->failure[0] == '\0')
        the_end(c);
    bool good = c->failure[0] == '\0';
    cluster_close(c);
    return good;
}

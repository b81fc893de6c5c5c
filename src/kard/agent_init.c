/* agent_init.c: founding a cluster: a key, the cluster object and the node object, in one change.
 *
 * The cluster's id is the hash of the genesis key, which is this node's. Until the batch with key
 * and change is durable, nothing here has a cluster. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "gossip/join.h"
#include "kard/agent_address.h"
#include "kard/agent_change.h"
#include "kard/agent_init.h"
#include "kard/agent_node.h"

static const char CLUSTER_DEFAULT[] = "kar";
static const char NODE_DEFAULT[] = "node";

/* "Host_1.example.org" → "host-1": a name that a node may have, from whatever the host is called.
 */
static void name_from_host(const char *host, char ret[NODE_NAME_MAX + 1])
{
    size_t n = 0;
    for (; *host && *host != '.' && n < NODE_NAME_MAX; host++) {
        unsigned char c = (unsigned char)*host;
        if (n == 0 && !isalnum(c))
            continue; /* names begin with a letter or digit */
        ret[n++] = isalnum(c) ? (char)tolower(c) : '-';
    }
    while (n && ret[n - 1] == '-')
        n--;
    ret[n] = '\0';
    if (n == 0)
        memcpy(ret, NODE_DEFAULT, sizeof(NODE_DEFAULT));
}

const char *agent_name_own(const struct agent *a, char ret[NODE_NAME_MAX + 1])
{
    char host[HOST_NAME_BYTES];
    if (a->opt.node_name)
        return a->opt.node_name;
    a->opt.host->hostname(a->opt.host->ctx, host);
    name_from_host(host, ret);
    return ret;
}

/* Documents are ours, the name in them the caller's: errors point at the parameter. */
static void param_errors(struct errs *errs, size_t from, const char *param)
{
    for (size_t i = from; i < errs->n; i++)
        if (!strncmp(errs->v[i].at, "/name", 5) || !strncmp(errs->v[i].at, "/spec", 5))
            err_at(&errs->v[i], "/%s", param);
}

static int add_cluster(struct draft *d, const char *name)
{
    struct object *o = NULL;
    struct value *doc = value_map();
    size_t before = d->errs.n;
    value_set_text(doc, "kind", "cluster");
    value_set_text(doc, "name", name);
    value_set(doc, "spec", value_map());
    int r = object_from_document(doc, "", NULL, &o, &d->errs);
    param_errors(&d->errs, before, "cluster");
    value_free(doc);
    if (r == 0)
        change_add_put(d->change, o, NULL, 0);
    return r;
}

static int add_objects(struct agent *a, struct draft *d, const struct identity *is,
    const char *cluster, const char *node, const struct key_public *key)
{
    struct object *o = NULL;
    char ifname[IFNAME_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    struct member_record us = {.key = *key};
    struct address_list at;
    bool has = a->opt.host->default_route(a->opt.host->ctx, ifname) && ifname_valid(ifname);
    crypto_dh_public(&is->session, &us.session);
    session_key_sign(&is->key, &us.session, signature);
    agent_addresses(a, &at);
    memcpy(us.at, at.v, sizeof(us.at));
    us.at_n = at.n;
    int r = add_cluster(d, cluster);
    size_t before = d->errs.n;
    int r2 = node_object(node, &us, signature, has ? ifname : NULL, &o, &d->errs);
    param_errors(&d->errs, before, "node");
    if (r2 == 0)
        change_add_put(d->change, o, NULL, 0);
    return r ? r : r2;
}

void identity_make(struct agent *a, struct identity *ret, struct key_public *ret_key)
{
    const struct agent_clock *clock = &a->opt.clock;
    uint8_t seed[32];
    clock->random(clock->ctx, seed, sizeof(seed));
    crypto_keypair_from_seed(seed, ret_key, &ret->key);
    crypto_wipe(seed, sizeof(seed));
    crypto_digest(ret->self.b, sizeof(ret->self.b), ret_key->b, sizeof(ret_key->b));
    memcpy(ret->cluster.b, ret->self.b, sizeof(ret->cluster.b));
    clock->random(clock->ctx, &ret->stream, sizeof(ret->stream));
    clock->random(clock->ctx, &ret->session, sizeof(ret->session));
}

void batch_identity(struct store_batch *b, const struct identity *is)
{
    meta_put(b, META_CLUSTER, is->cluster.b, sizeof(is->cluster.b));
    meta_put(b, META_NODE, is->self.b, sizeof(is->self.b));
    meta_put(b, META_KEY, is->key.b, sizeof(is->key.b));
    meta_put(b, META_SESSION, is->session.b, sizeof(is->session.b));
    meta_put_u64(b, META_STREAM, is->stream);
}

static int draft_founding(struct agent *a, struct draft *d, const struct identity *is,
    const struct key_public *key, const char *cluster, const char *node, struct err *e)
{
    int r = add_objects(a, d, is, cluster, node, key);
    if (r < 0) {
        *e = d->errs.v[0];
        return r;
    }
    struct change *c = d->change;
    free(c->author);
    free(c->message);
    c->author = mem_strdup("kard");
    c->message = mem_strdup("the cluster is founded");
    c->cluster = is->cluster;
    c->origin = is->self;
    c->stream = is->stream;
    c->seq = 1;
    d->hlc = a->hlc;
    c->hlc = hlc_now(&d->hlc, agent_wall(a));
    r = draft_seal(d, &is->key, e);
    if (r == 0)
        r = ledger_propose(a->ledger, a->intent, d->change, &d->slot, e);
    if (r == 0 && d->slot.claims.n == 0 && d->slot.freed.n == 0)
        d->slot.number = 0;
    if (r == 0 && d->slot.number)
        slot_sign(&d->slot, &is->self, &is->key);
    return r;
}

static int may_found(const struct agent *a, struct err *e)
{
    const struct object *cluster;
    size_t i = 0;
    if (a->founded && (cluster = intent_each(a->intent, KIND_CLUSTER, &i)))
        return err_set(e, ERR_CLUSTER_EXISTS,
            what("this node is %s of cluster %s already", a->node, cluster->name), NULL,
            fix("karctl status shows it"));
    if (a->founded || jobs_found(a))
        return err_set(e, ERR_CLUSTER_EXISTS, what("a cluster is being founded here already"), NULL,
            fix("karctl status shows it"));
    return 0;
}

struct agent_task *agent_init(
    void *ctx, const char *cluster, const char *node, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    char named[NODE_NAME_MAX + 1];
    struct err e = {0};
    struct key_public key;
    if (!node)
        node = agent_name_own(a, named);
    struct draft d = {.change = change_new(), .docs = value_list()};
    struct identity *is = MEM_NEW(struct identity);
    int r = may_found(a, &e);
    if (r == 0) {
        identity_make(a, is, &key);
        r = draft_founding(a, &d, is, &key, cluster ? cluster : CLUSTER_DEFAULT, node, &e);
    }
    if (r < 0) {
        struct errs one = {.v = &e, .n = 1, .cap = 1};
        sink->fail(sink->ctx, d.errs.n ? &d.errs : &one, NULL);
        draft_done(&d);
        crypto_wipe(is, sizeof(*is));
        free(is);
        return NULL;
    }
    struct store_batch b = {0};
    batch_identity(&b, is);
    return job_found(a, &d, is, &b, sink);
}

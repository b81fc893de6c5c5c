/* rules_claim.c: what an overlay claims in the cluster: a VNI (OV-3), a pair of ends (OV-4).
 *
 * The ledger decides; these rules say the same at the door, all at once and with the place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/rules_table.h"

/* How far a pool was searched for free numbers by the overlays of this change. */
struct pool {
    uint64_t next, last;
    size_t wanted, free;
};

static bool vni_is_free(struct rules *r, uint64_t number)
{
    char key[24];
    snprintf(key, sizeof(key), "%llu", (unsigned long long)number);
    if (site_taker(rules_cluster(r), TAKE_VNI, key))
        return false;
    const object_id *holder = ledger_holder(r->ledger, CLAIM_VNI, key);
    return !holder || !intent_get(r->in, holder);
}

/* One more overlay wants a number: whether there is one left for it. */
static bool pool_has_another(struct rules *r, const char *name, const char *range)
{
    struct pool *p = map_get_str(&r->pools, name);
    if (!p) {
        p = MEM_NEW(struct pool);
        struct uint_range numbers;
        if (schema_range_parse(range, 1, UINT32_MAX, &numbers) == 0) {
            p->next = numbers.first;
            p->last = numbers.last;
        }
        map_set_str(&r->pools, name, p);
    }
    p->wanted++;
    while (p->free < p->wanted && p->next && p->next <= p->last)
        p->free += vni_is_free(r, p->next++);
    return p->free >= p->wanted;
}

/* "auto" means the cluster's range, another word one of its pools. */
static const char *pool_range(const struct rules *r, const char *name)
{
    size_t i = 0;
    const struct object *cluster = intent_each(r->in, KIND_CLUSTER, &i);
    if (!cluster)
        return NULL;
    if (strcmp(name, "auto") == 0)
        return object_text(cluster, "vni_range", NULL);
    return value_get_text(object_value(cluster, "vni_pools", NULL), name);
}

static void check_pool(struct rules *r, const char *name)
{
    bool automatic = strcmp(name, "auto") == 0;
    const char *range = pool_range(r, name);
    if (!range && !automatic) {
        rule_refuse(r, "/spec/vni", ERR_REF_UNKNOWN, what("there is no VNI pool %s", name),
            why("%s is to take its VNI from it", TITLE_OF(r->o)),
            fix("karctl cluster set --vni-pool %s=FIRST-LAST", name));
    } else if (range && r->state == AFTER && !ledger_vni(r->ledger, &r->o->id) &&
               !pool_has_another(r, name, range)) {
        rule_refuse(r, "/spec/vni", ERR_VNI_EXHAUSTED,
            automatic ? what("no VNI is left for %s", TITLE_OF(r->o))
                      : what("no VNI is left in pool %s for %s", name, TITLE_OF(r->o)),
            why("every one of %s is taken", range),
            automatic
                ? fix("delete an overlay, or: karctl cluster set --vni-range FIRST-LAST")
                : fix("delete an overlay, or: karctl cluster set --vni-pool %s=FIRST-LAST", name));
    }
}

void rule_overlay_vni(struct rules *r)
{
    const struct value *vni = object_value(r->o, "vni", NULL);
    if (value_is(vni, VALUE_TEXT)) {
        check_pool(r, vni->s);
        return;
    }
    const struct site *cluster = rules_cluster(r);
    const struct take *t;
    for (size_t i = 0; (t = site_take(cluster, r->o, &i));) {
        const struct take *rival = t->type == TAKE_VNI ? rules_rival(r, cluster, t) : NULL;
        if (!rival)
            continue;
        rule_refuse(r, t->field, ERR_VNI_TAKEN, what("VNI %s is taken", take_text(t)),
            why("%s has it%s", TITLE_OF(rival->by), SINCE_OF(r, rival->by)),
            fix("choose another or auto%s", OR_DELETE(r, rival->by)));
    }
}

void rule_overlay_tunnel(struct rules *r)
{
    const struct site *cluster = rules_cluster(r);
    const struct take *t;
    for (size_t i = 0; (t = site_take(cluster, r->o, &i));) {
        const struct take *rival = t->type == TAKE_TUNNEL ? rules_rival(r, cluster, t) : NULL;
        if (!rival)
            continue;
        const char *pair = take_text(t), *space = strchr(pair, ' ');
        rule_refuse(r, t->field, ERR_TUNNEL_TAKEN,
            what(
                "%.*s and %s are joined by a tunnel already", (int)(space - pair), pair, space + 1),
            why("%s joins them%s", TITLE_OF(rival->by), SINCE_OF(r, rival->by)),
            fix("use that one%s", OR_DELETE(r, rival->by)));
    }
}

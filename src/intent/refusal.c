/* refusal.c: why a change did not get what it claims, in words. The reasons are in the slot, so
 * every node says the same of the same change; only names follow what the reader's intent knows. */
#include <stdio.h>

#include "intent/ledger.h"
#include "intent/vni_set.h"
#include "intent/words.h"

/* The holder, from the intent or from the change itself. */
static const struct object *holder_object(
    const struct refusal *r, const struct intent *in, const struct change *c)
{
    const struct object *o = intent_get(in, &r->claim.holder);
    for (size_t i = 0; !o && c && i < c->ops_n; i++)
        if (ID_EQ(&c->ops[i].object->id, &r->claim.holder) && c->ops[i].type == OP_PUT)
            o = c->ops[i].object;
    return o;
}

static int taken(
    const struct refusal *r, const struct intent *in, const struct change *c, struct err *e)
{
    const struct object *o = holder_object(r, in, c);
    const char *key = r->claim.key;
    char title[OBJECT_TITLE] = "an object that is not known here", delete[OBJECT_TITLE + 32] = "";
    if (o) {
        object_title(o, title);
        snprintf(delete, sizeof(delete), ", or: karctl %s delete %s", schema_kinds[o->kind].name,
            o->name);
    }
    switch (r->claim.type) {
    case CLAIM_VNI:
        return err_set(e, ERR_VNI_TAKEN, what("VNI %s is taken", key), why("%s has it", title),
            fix("choose another or auto%s", delete));
    case CLAIM_NAME:
        return err_set(e, ERR_NAME_TAKEN, what("the name %s is taken", key),
            why("%s has it in the whole cluster", title), fix("choose another%s", delete));
    case CLAIM_TUNNEL:
        break;
    }
    return err_set(e, ERR_TUNNEL_TAKEN, what("the ends %s are joined by a tunnel already", key),
        why("%s is it", title), fix("use that one%s", delete));
}

int refusal_explain(
    const struct refusal *r, const struct intent *in, const struct change *c, struct err *e)
{
    const char *key = r->claim.key ? r->claim.key : "";
    switch (r->reason) {
    case REFUSAL_TAKEN:
        return taken(r, in, c, e);
    case REFUSAL_EXHAUSTED:
        return err_set(e, ERR_VNI_EXHAUSTED, what("no VNI is left in %s", key),
            why("every one of them is taken"),
            fix("delete an overlay, or widen the range: karctl cluster set --help"));
    case REFUSAL_POOL_UNKNOWN:
        return err_set(e, ERR_REF_UNKNOWN, what("there is no VNI pool %s", key),
            why("the cluster's settings name it nowhere"),
            fix("karctl cluster set --vni-pools %s=FIRST-LAST", key));
    case REFUSAL_RANGE:
        return err_set(e, ERR_FIELD_RANGE, what("VNI %s is out of range", key),
            why("a VNI is 1..%d", VNI_MAX), fix("choose another, or auto"));
    case REFUSAL_ACCEPTOR:
        return err_set(e, ERR_IN_USE, what("node %s cannot be removed", key),
            why("it founded the cluster and decides all claims: without it none is ever granted"),
            fix("move what runs on it; to give up the cluster, found another one elsewhere"));
    default:
        return err_set(e, ERR_INTERNAL, what("the ledger refused it without a reason"), NULL, NULL);
    }
}

/* slot.c: the bytes of a slot.
 *
 *   slot   = array 5: number, change (binary 32), granted, claims, freed
 *   claims = array of array 3: type, key, holder (binary 16)
 *
 * One form only (pack.h). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ledger_inner.h"
#include "intent/pack.h"

void claims_add(struct claims *l, enum claim_type type, const char *key, const object_id *holder)
{
    struct claim c = {type, mem_strdup(key), *holder};
    VEC_PUSH(l, c);
}

static void claims_done(struct claims *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].key);
    free(l->v);
}

void slot_done(struct slot *s)
{
    claims_done(&s->claims);
    claims_done(&s->freed);
    *s = (struct slot){0};
}

static void claims_encode(const struct claims *l, struct buf *ret)
{
    pack_array(ret, l->n);
    for (size_t i = 0; i < l->n; i++) {
        pack_array(ret, 3);
        pack_uint(ret, l->v[i].type);
        pack_text(ret, l->v[i].key);
        pack_bin(ret, l->v[i].holder.b, sizeof(l->v[i].holder.b));
    }
}

void slot_encode(const struct slot *s, struct buf *ret)
{
    pack_array(ret, 5);
    pack_uint(ret, s->number);
    pack_bin(ret, s->change.b, sizeof(s->change.b));
    pack_bool(ret, s->granted);
    claims_encode(&s->claims, ret);
    claims_encode(&s->freed, ret);
}

static void claims_decode(struct unpack *u, struct claims *ret)
{
    size_t n = unpack_array(u, SLOT_CLAIMS_MAX);
    for (size_t i = 0; i < n && !u->bad; i++) {
        struct claim c = {0};
        unpack_array_of(u, 3);
        uint64_t type = unpack_uint(u);
        c.key = unpack_text(u, CLAIM_KEY_MAX);
        unpack_id(u, c.holder.b, sizeof(c.holder.b));
        if (type < CLAIM_VNI || type > CLAIM_TUNNEL)
            u->bad = true;
        c.type = (enum claim_type)type;
        VEC_PUSH(ret, c);
    }
}

int slot_decode(const uint8_t *p, size_t n, struct slot *ret, struct err *e)
{
    if (n > CHANGE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, what("a slot of %zu bytes is too large", n),
            why("at most %d are accepted", CHANGE_BYTES_MAX), NULL);
    struct unpack u = {p, n, false};
    struct slot s = {0};
    unpack_array_of(&u, 5);
    s.number = unpack_uint(&u);
    unpack_id(&u, s.change.b, sizeof(s.change.b));
    s.granted = unpack_bool(&u);
    claims_decode(&u, &s.claims);
    claims_decode(&u, &s.freed);
    if (!unpack_end(&u) || s.number == 0) {
        slot_done(&s);
        return err_set(e, ERR_SYNTAX, what("these bytes are not a slot of the ledger"),
            why("a field of it has another form"), NULL);
    }
    *ret = s;
    return 0;
}

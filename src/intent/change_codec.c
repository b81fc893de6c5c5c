/* change_codec.c: the bytes of a change.
 *
 *   change    = array 3: header (binary), signature (binary 64), operations (array of binary)
 *   header    = array 11: format, cluster (binary 16), origin (binary 16), stream, seq,
 *               prev (binary 32), hlc, author, message, operation count, root (binary 32)
 *   operation = map: "bases": [revision…] (left out when there is none), "claims": 1 | 2 (left out
 *               when the change claims nothing), "object": {…}, "op": 1 | 2
 *   object    = map: "id" (left out when this creates it), "kind", "name", and for a put "nodes",
 *               "spec"; other members are kept, unread
 *
 * Identifiers are binary in the header, and hexadecimal text in an operation, which is a tree of
 * value.h. Header and change have one form only (pack.h); an operation has its canonical form
 * (sorted keys, shortest numbers), so that no two nodes ever read the same bytes differently. */
#include "intent/change_codec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "intent/pack.h"

/* --- writing --- */

void change_header_encode(const struct change *c, struct buf *ret)
{
    pack_array(ret, 11);
    pack_uint(ret, CHANGE_FORMAT);
    pack_bin(ret, c->cluster.b, sizeof(c->cluster.b));
    pack_bin(ret, c->origin.b, sizeof(c->origin.b));
    pack_uint(ret, c->stream);
    pack_uint(ret, c->seq);
    pack_bin(ret, c->prev.b, sizeof(c->prev.b));
    pack_uint(ret, c->hlc);
    pack_text(ret, c->author);
    pack_text(ret, c->message);
    pack_uint(ret, c->ops_n);
    pack_bin(ret, c->root, sizeof(c->root));
}

void change_encode(const struct change *c, struct buf *ret)
{
    struct buf header = BUF_INIT;
    change_header_encode(c, &header);
    pack_array(ret, 3);
    pack_bin(ret, header.p, header.n);
    pack_bin(ret, c->signature, sizeof(c->signature));
    pack_array(ret, c->ops_n);
    for (size_t i = 0; i < c->ops_n; i++) {
        assert(c->ops[i].raw); /* sealed or decoded */
        pack_bin(ret, c->ops[i].raw, c->ops[i].raw_n);
    }
    buf_done(&header);
}

static struct value *op_to_value(const struct op *op)
{
    const struct object *o = op->object;
    struct value *object;
    if (op->type == OP_PUT) {
        object = object_to_value(o);
    } else {
        object = value_map();
        value_set_text(object, "kind", schema_kinds[o->kind].name);
        value_set_text(object, "name", o->name);
    }
    value_set(object, "id", NULL);
    if (!ID_IS_ZERO(&o->id))
        value_set_text(object, "id", ID_TEXT(&o->id));
    struct value *map = value_map();
    value_set_int(map, "op", op->type);
    if (op->claims != OP_CLAIMS_NOTHING)
        value_set_int(map, "claims", op->claims);
    value_set(map, "object", object);
    if (op->bases_n) {
        struct value *bases = value_set(map, "bases", value_list());
        for (size_t i = 0; i < op->bases_n; i++)
            value_add(bases, value_text(ID_TEXT(&op->bases[i])));
    }
    return map;
}

static size_t value_count(const struct value *v)
{
    size_t n = 1;
    if (v->type == VALUE_LIST || v->type == VALUE_MAP)
        for (size_t i = 0; i < v->n; i++)
            n += value_count(v->v[i]);
    return n;
}

static int op_limit(struct err *e, const char *noun, size_t max)
{
    return err_set(e, ERR_LIMIT, what("an operation of the change has too many %s", noun),
        why("at most %zu are accepted", max), NULL);
}

/* --- reading: everything is hostile --- */

static int change_syntax(struct err *e, const char *reason)
{
    return err_set(e, ERR_SYNTAX, what("these bytes are not a change"), reason, NULL);
}

static int header_decode(
    const uint8_t *p, size_t n, struct change *c, size_t *ret_ops_n, struct err *e)
{
    struct unpack u = {p, n, false};
    if (!unpack_array_of(&u, 11))
        return change_syntax(e, "its header is not a list of 11");
    uint64_t format = unpack_uint(&u);
    if (!u.bad && format != CHANGE_FORMAT)
        return err_set(e, ERR_SYNTAX,
            what("the change has format %llu", (unsigned long long)format),
            why("this version of kar knows format %d", CHANGE_FORMAT),
            fix("install the version of kar that the other nodes run"));
    unpack_id(&u, c->cluster.b, sizeof(c->cluster.b));
    unpack_id(&u, c->origin.b, sizeof(c->origin.b));
    c->stream = unpack_uint(&u);
    c->seq = unpack_uint(&u);
    unpack_id(&u, c->prev.b, sizeof(c->prev.b));
    c->hlc = unpack_uint(&u);
    free(c->author);
    c->author = unpack_text(&u, CHANGE_AUTHOR_MAX);
    free(c->message);
    c->message = unpack_text(&u, CHANGE_MESSAGE_MAX);
    uint64_t ops_n = unpack_uint(&u);
    unpack_id(&u, c->root, sizeof(c->root));
    if (!unpack_end(&u))
        return change_syntax(e, "a field of its header has another form");
    if (c->seq == 0)
        return change_syntax(e, "its number in the stream is 0");
    if (ops_n > CHANGE_OPS_MAX)
        return err_set(e, ERR_LIMIT, what("a change has too many operations"),
            why("at most %d are accepted", CHANGE_OPS_MAX), NULL);
    *ret_ops_n = (size_t)ops_n;
    return 0;
}

static int bases_decode(const struct value *v, struct op *op, struct err *e)
{
    if (!v)
        return 0;
    if (!value_is(v, VALUE_LIST) || v->n == 0)
        return change_syntax(e, "the bases of an operation are not a list");
    if (v->n > CHANGE_BASES_MAX)
        return op_limit(e, "bases", CHANGE_BASES_MAX);
    op->bases = mem_alloc(v->n * sizeof(*op->bases));
    op->bases_n = v->n;
    for (size_t i = 0; i < v->n; i++)
        if (!value_is(v->v[i], VALUE_TEXT) || hex_decode(v->v[i]->s, op->bases[i].b, ID_BYTES) < 0)
            return change_syntax(e, "a base of an operation is not a revision");
    return 0;
}

static int claims_decode(const struct value *v, struct op *op, struct err *e)
{
    if (!v)
        return 0;
    if (!value_is(v, VALUE_INT) || (v->i != OP_CLAIMS_WAITS && v->i != OP_CLAIMS_PROVISIONAL))
        return change_syntax(e, "an operation neither waits for its claims nor is provisional");
    op->claims = (enum op_claims)v->i;
    return 0;
}

/* A delete names its object by id, kind and name. */
static int deleted_decode(const struct value *v, struct object **ret_object, struct err *e)
{
    const char *kind_name = value_get_text(v, "kind"), *name = value_get_text(v, "name");
    const char *id = value_get_text(v, "id");
    object_id object;
    size_t name_n = name ? strlen(name) : 0;
    if (!kind_name || name_n == 0 || name_n > OBJECT_NAME_MAX || !utf8_printable(name, name_n) ||
        !id || hex_decode(id, object.b, ID_BYTES) < 0 || ID_IS_ZERO(&object))
        return change_syntax(e, "a delete does not name its object by id, kind and name");
    const struct kind_info *kind = schema_kind(kind_name);
    if (!kind)
        return err_set(e, ERR_KIND_UNKNOWN, what("there is no kind %.32s", kind_name),
            why("the change comes from a newer version of kar"),
            fix("install the version of kar that the other nodes run"));
    struct object *o = MEM_NEW(struct object);
    o->id = object;
    o->kind = kind->kind;
    o->name = mem_strdup(name);
    *ret_object = o;
    return 0;
}

static int op_from_value(const struct value *v, struct op *op, struct err *e)
{
    const struct value *object = value_get(v, "object");
    int64_t type = value_get_int(v, "op", 0);
    if (!value_is(object, VALUE_MAP) || (type != OP_PUT && type != OP_DELETE))
        return change_syntax(e, "an operation is neither a put nor a delete of an object");
    op->type = (enum op_type)type;
    int r = bases_decode(value_get(v, "bases"), op, e);
    if (r == 0)
        r = claims_decode(value_get(v, "claims"), op, e);
    if (r < 0)
        return r;
    if (op->type == OP_DELETE)
        return deleted_decode(object, &op->object, e);
    const struct value *id = value_get(object, "id");
    r = object_from_value(object, &op->object, e);
    if (r == 0 && id && ID_IS_ZERO(&op->object->id))
        r = change_syntax(e, "an object has the id zero");
    return r;
}

/* value_from_msgpack takes the canonical form only: whoever encodes it again has the same bytes. */
static int op_decode(const uint8_t *p, size_t n, struct op *op, size_t *values, struct err *e)
{
    struct value *v = NULL;
    int r = value_from_msgpack(p, n, &v, e);
    if (r < 0)
        return r;
    *values += value_count(v);
    if (*values > CHANGE_VALUES_MAX)
        r = op_limit(e, "values, those before it counted", CHANGE_VALUES_MAX);
    else
        r = op_from_value(v, op, e);
    value_free(v);
    if (r == 0) {
        op->raw = mem_dup(p, n);
        op->raw_n = n;
    }
    return r;
}

/* What every other node would refuse is refused here: it is read back as they would. */
int change_op_encode(const struct op *op, struct buf *ret, size_t *values, struct err *e)
{
    assert(op->object && (op->type == OP_PUT || op->type == OP_DELETE));
    if (op->bases_n > CHANGE_BASES_MAX)
        return op_limit(e, "bases", CHANGE_BASES_MAX);
    size_t before = ret->n;
    struct value *v = op_to_value(op);
    value_to_msgpack(v, ret);
    value_free(v);
    if (ret->n - before > CHANGE_OP_BYTES_MAX)
        return op_limit(e, "bytes", CHANGE_OP_BYTES_MAX);
    struct op back = {0};
    int r = op_decode(ret->p + before, ret->n - before, &back, values, e);
    object_free(back.object);
    free(back.bases);
    free(back.raw);
    return r;
}

static int ops_decode(struct unpack *u, struct change *c, size_t ops_n, struct err *e)
{
    size_t values = 0;
    for (size_t i = 0; i < ops_n; i++) {
        size_t n = 0;
        const uint8_t *p = unpack_bin(u, CHANGE_OP_BYTES_MAX, &n);
        if (!p)
            return change_syntax(e, "an operation is missing or too long");
        int r = op_decode(p, n, change_add(c), &values, e);
        if (r < 0)
            return r;
        if (c->ops[i].claims != c->ops[0].claims)
            return change_syntax(e, "some of its operations wait for the ledger, others do not");
    }
    return 0;
}

static int change_decode_into(struct change *c, const uint8_t *p, size_t n, struct err *e)
{
    struct unpack u = {p, n, false};
    size_t header_n = 0, ops_n = 0;
    unpack_array_of(&u, 3);
    const uint8_t *header = unpack_bin(&u, CHANGE_HEADER_MAX, &header_n);
    unpack_id(&u, c->signature, sizeof(c->signature));
    size_t listed = unpack_array(&u, CHANGE_OPS_MAX);
    if (u.bad)
        return change_syntax(e, "its frame has another form, or too many operations");
    int r = header_decode(header, header_n, c, &ops_n, e);
    if (r < 0)
        return r;
    if (ops_n != listed || ops_n == 0)
        return change_syntax(e, "it does not have the operations that its header counts");
    r = ops_decode(&u, c, ops_n, e);
    if (r < 0)
        return r;
    if (!unpack_end(&u))
        return change_syntax(e, "something follows its operations");
    uint8_t root[HASH_BYTES];
    change_root(c, root);
    if (memcmp(root, c->root, HASH_BYTES) != 0)
        return change_syntax(e, "its operations are not those that its header was made over");
    change_derive(c);
    return 0;
}

int change_decode(const uint8_t *p, size_t n, struct change **ret_change, struct err *e)
{
    if (n > CHANGE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, what("a change of %zu bytes is too large", n),
            why("at most %d are accepted", CHANGE_BYTES_MAX), NULL);
    struct change *c = change_new();
    int r = change_decode_into(c, p, n, e);
    if (r < 0)
        change_free(c);
    else
        *ret_change = c;
    return r;
}

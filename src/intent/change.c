/* change.c: making, sealing and verifying changes. Owns what an identifier is the hash of; the
 * bytes of an operation and of the whole are change_codec.c's. Knows no clock and no store. */
#include "intent/change.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "intent/change_codec.h"
#include "intent/merkle.h"

/* A signature over a change is never one over anything else that this key signs. */
static const char change_context[] = "kar change 1"; /* signed with its zero byte */

struct change *change_new(void)
{
    struct change *c = MEM_NEW(struct change);
    c->author = mem_strdup("");
    c->message = mem_strdup("");
    return c;
}

void change_free(struct change *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->ops_n; i++) {
        object_free(c->ops[i].object);
        free(c->ops[i].bases);
        free(c->ops[i].raw);
    }
    free(c->ops);
    free(c->author);
    free(c->message);
    free(c);
}

struct op *change_add(struct change *c)
{
    if (c->ops_n == c->ops_cap) {
        c->ops_cap = c->ops_cap ? c->ops_cap * 2 : 1;
        c->ops = mem_resize(c->ops, c->ops_cap * sizeof(*c->ops));
    }
    struct op *op = &c->ops[c->ops_n++];
    *op = (struct op){0};
    return op;
}

static struct op *change_add_op(
    struct change *c, enum op_type type, struct object *taken, const rev_id *bases, size_t bases_n)
{
    struct op *op = change_add(c);
    op->type = type;
    op->object = taken;
    if (bases_n)
        op->bases = mem_dup(bases, bases_n * sizeof(*bases));
    op->bases_n = bases_n;
    return op;
}

struct op *change_add_put(
    struct change *c, struct object *taken, const rev_id *bases, size_t bases_n)
{
    return change_add_op(c, OP_PUT, taken, bases, bases_n);
}

struct op *change_add_delete(struct change *c, const object_id *id, enum kind kind,
    const char *name, const rev_id *bases, size_t bases_n)
{
    struct object *o = MEM_NEW(struct object);
    o->id = *id;
    o->kind = kind;
    o->name = mem_strdup(name);
    return change_add_op(c, OP_DELETE, o, bases, bases_n);
}

static void change_rev(const change_id *id, size_t index, rev_id *ret)
{
    const uint8_t be[4] = {
        (uint8_t)(index >> 24), (uint8_t)(index >> 16), (uint8_t)(index >> 8), (uint8_t)index};
    const struct crypto_piece pieces[] = {{id->b, sizeof(id->b)}, {be, sizeof(be)}};
    crypto_digest_pieces(ret->b, sizeof(ret->b), pieces, 2);
}

void change_root(const struct change *c, uint8_t ret_root[HASH_BYTES])
{
    struct merkle_leaf *leaves = mem_alloc(c->ops_n * sizeof(*leaves));
    for (size_t i = 0; i < c->ops_n; i++)
        merkle_leaf(c->ops[i].raw, c->ops[i].raw_n, &leaves[i]);
    merkle_root(leaves, c->ops_n, ret_root);
    free(leaves);
}

void change_derive(struct change *c)
{
    struct buf header = BUF_INIT;
    change_header_encode(c, &header);
    crypto_digest(c->id.b, sizeof(c->id.b), header.p, header.n);
    buf_done(&header);
    for (size_t i = 0; i < c->ops_n; i++) {
        struct op *op = &c->ops[i];
        change_rev(&c->id, i, &op->rev);
        if (op->type == OP_PUT && ID_IS_ZERO(&op->object->id))
            memcpy(op->object->id.b, op->rev.b, ID_BYTES);
    }
}

static int change_limit(struct err *e, const char *noun, size_t have, size_t max)
{
    return err_set(e, ERR_LIMIT, what("the change has %zu %s", have, noun),
        why("a change holds at most %zu", max), fix("split it into several changes"));
}

static int change_check_text(const char *noun, const char *text, size_t max, struct err *e)
{
    size_t n = strlen(text);
    if (n > max)
        return err_set(e, ERR_LIMIT, what("the %s has %zu bytes", noun, n),
            why("at most %zu are kept", max), fix("shorten it"));
    if (!utf8_valid(text, n))
        return err_set(e, ERR_SYNTAX, what("the %s is not UTF-8", noun), NULL, NULL);
    return 0;
}

/* Encodes the operations into raws (zeroed, ops_n of them): the caller's, also after an error. */
static int change_freeze(const struct change *c, struct buf *raws, struct err *e)
{
    size_t total = CHANGE_HEADER_MAX;
    int r = change_check_text("author", c->author, CHANGE_AUTHOR_MAX, e);
    if (r == 0)
        r = change_check_text("message", c->message, CHANGE_MESSAGE_MAX, e);
    if (r < 0)
        return r;
    if (c->ops_n == 0)
        return err_set(e, ERR_SYNTAX, what("the change has no operation"), NULL, NULL);
    if (c->ops_n > CHANGE_OPS_MAX)
        return change_limit(e, "operations", c->ops_n, CHANGE_OPS_MAX);
    size_t values = 0;
    for (size_t i = 0; i < c->ops_n; i++) {
        r = change_op_encode(&c->ops[i], &raws[i], &values, e);
        if (r < 0)
            return r;
        total += raws[i].n + CHANGE_OP_FRAME;
        if (total > CHANGE_BYTES_MAX)
            return change_limit(e, "bytes and more", total, CHANGE_BYTES_MAX);
    }
    return 0;
}

/* What is signed. */
static void change_signed_bytes(const struct change *c, struct buf *ret)
{
    buf_add(ret, change_context, sizeof(change_context));
    change_header_encode(c, ret);
}

int change_seal(struct change *c, const struct key_secret *key, struct err *e)
{
    struct buf *raws = mem_alloc((c->ops_n + 1) * sizeof(*raws));
    int r = change_freeze(c, raws, e);
    for (size_t i = 0; i < c->ops_n; i++) {
        if (r == 0) {
            struct op *op = &c->ops[i];
            assert(!op->raw); /* sealed once */
            op->raw_n = raws[i].n;
            op->raw = mem_dup(raws[i].p, raws[i].n);
        }
        buf_done(&raws[i]);
    }
    free(raws);
    if (r < 0)
        return r;
    change_root(c, c->root);
    change_derive(c);
    struct buf msg = BUF_INIT;
    change_signed_bytes(c, &msg);
    crypto_sign_message(key, msg.p, msg.n, c->signature);
    buf_done(&msg);
    return 0;
}

/* Whether ids and root are those of the operations' bytes. */
static bool change_is_whole(const struct change *c)
{
    uint8_t root[HASH_BYTES];
    for (size_t i = 0; i < c->ops_n; i++)
        if (!c->ops[i].raw)
            return false;
    if (c->ops_n == 0)
        return false;
    change_root(c, root);
    if (memcmp(root, c->root, HASH_BYTES) != 0)
        return false;
    struct buf header = BUF_INIT;
    change_id id;
    change_header_encode(c, &header);
    crypto_digest(id.b, sizeof(id.b), header.p, header.n);
    buf_done(&header);
    if (!ID_EQ(&id, &c->id))
        return false;
    for (size_t i = 0; i < c->ops_n; i++) {
        rev_id rev;
        change_rev(&id, i, &rev);
        if (!ID_EQ(&rev, &c->ops[i].rev))
            return false;
    }
    return true;
}

int change_verify(const struct change *c, const struct key_public *key, struct err *e)
{
    bool good = change_is_whole(c);
    if (good) {
        struct buf msg = BUF_INIT;
        change_signed_bytes(c, &msg);
        good = crypto_verify(key, msg.p, msg.n, c->signature);
        buf_done(&msg);
    }
    if (good)
        return 0;
    return err_set(e, ERR_SIGNATURE,
        what("change %.8s is not what its node signed", ID_TEXT(&c->id)),
        why("change %llu of node %s fails its signature", (unsigned long long)c->seq,
            ID_TEXT(&c->origin)),
        fix("karctl doctor"));
}

static uint8_t *put_be64(uint8_t *p, uint64_t x)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(x >> shift);
    return p;
}

void change_key(const struct change *c, uint8_t ret_key[CHANGE_KEY_BYTES])
{
    memcpy(ret_key, c->origin.b, ID_BYTES);
    put_be64(put_be64(ret_key + ID_BYTES, c->stream), c->seq);
}

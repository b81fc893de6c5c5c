/* agent_history.c: the changes that led here.
 *
 * Owns an index in memory, a row of about 150 bytes per change; the changes themselves stay in the
 * store and are read when somebody asks. Looking back replays them into an intent of its own. */
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "intent/diff.h"
#include "kard/agent_parts.h"

enum {
    SHORT = 8,         /* digits of an id in messages */
    HISTORY_NEAR = 64, /* rows from the end within which one is put in its place at once */
};

/* --- the index -------------------------------------------------------------------------------- */

static const char *author_copy(struct history *h, const char *author)
{
    char *known = map_get_str(&h->authors, author);
    if (!known) {
        known = mem_strdup(author);
        map_set_str(&h->authors, author, known);
    }
    return known;
}

static void row_index(struct history *h, size_t i)
{
    map_set(&h->by_id, h->v[i].id.b, sizeof(h->v[i].id.b), (void *)(uintptr_t)(i + 1));
}

static int row_cmp(const void *x, const void *y)
{
    const struct history_row *a = x, *b = y;
    if (a->hlc != b->hlc)
        return a->hlc < b->hlc ? -1 : 1;
    int r = ID_CMP(&a->origin, &b->origin);
    return r ? r : (a->seq > b->seq) - (a->seq < b->seq);
}

/* A change from another node is seldom the newest, but nearly; what comes from long ago (after a
 * split) waits for somebody to look: putting each in its place would move all behind it. */
static void row_settle(struct history *h)
{
    size_t i = h->n - 1;
    struct history_row row = h->v[i];
    h->in_order = h->in_order || h->n == 1;
    for (; i > 0 && h->n - i <= HISTORY_NEAR && row_cmp(&h->v[i - 1], &row) > 0; i--)
        h->v[i] = h->v[i - 1];
    h->v[i] = row;
    h->in_order = h->in_order && (i == 0 || row_cmp(&h->v[i - 1], &row) < 0);
    for (; i < h->n; i++)
        row_index(h, i);
}

void history_add(struct history *h, const struct change *c)
{
    struct history_row row = {
        .id = c->id,
        .hlc = c->hlc,
        .origin = c->origin,
        .stream = c->stream,
        .seq = c->seq,
        .author = author_copy(h, c->author),
        .objects = mem_alloc(c->ops_n * sizeof(object_id)),
        .objects_n = c->ops_n,
    };
    for (size_t i = 0; i < c->ops_n; i++)
        row.objects[i] = c->ops[i].object->id;
    VEC_PUSH(h, row);
    row_settle(h);
}

void history_order(struct history *h)
{
    if (h->in_order)
        return;
    if (h->n)
        qsort(h->v, h->n, sizeof(*h->v), row_cmp);
    for (size_t i = 0; i < h->n; i++)
        row_index(h, i);
    h->in_order = true;
}

const struct history_row *history_find(const struct history *h, const change_id *id)
{
    uintptr_t i = (uintptr_t)map_get(&h->by_id, id->b, sizeof(id->b));
    return i ? &h->v[i - 1] : NULL;
}

int history_prefix(
    struct history *h, const char *prefix, const struct history_row **ret, struct err *e)
{
    const struct history_row *found = NULL;
    size_t n = strlen(prefix);
    history_order(h);
    for (size_t i = h->n; i-- > 0;) {
        if (strncasecmp(ID_TEXT(&h->v[i].id), prefix, n) != 0)
            continue;
        if (found)
            return err_set(e, ERR_NOT_FOUND, what("several changes begin with %.64s", prefix),
                why("%.*s and %.*s do", (int)n + 2, ID_TEXT(&found->id), (int)n + 2,
                    ID_TEXT(&h->v[i].id)),
                fix("give more digits"));
        found = &h->v[i];
    }
    if (!found)
        return err_set(e, ERR_NOT_FOUND, what("there is no change %.64s", prefix), NULL,
            fix("karctl history lists the changes"));
    *ret = found;
    return 0;
}

bool history_row_concerns(const struct history_row *row, const object_id *id)
{
    for (size_t i = 0; i < row->objects_n; i++)
        if (ID_EQ(&row->objects[i], id))
            return true;
    return false;
}

void history_done(struct history *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->v[i].objects);
    free(h->v);
    map_done(&h->by_id);
    map_done_with(&h->authors, free);
    *h = (struct history){0};
}

/* --- the changes themselves ------------------------------------------------------------------- */

int history_load(struct agent *a, const struct history_row *row, struct change **ret, struct err *e)
{
    struct change at = {.origin = row->origin, .stream = row->stream, .seq = row->seq};
    uint8_t key[CHANGE_KEY_BYTES];
    struct buf b = BUF_INIT;
    change_key(&at, key);
    int r = a->store->ops->get(a->store, STORE_CHANGES, key, sizeof(key), &b, e);
    if (r == 0)
        r = change_decode(b.p, b.n, ret, e);
    buf_done(&b);
    if (r == -ERR_NOT_FOUND)
        return err_set(e, ERR_STORE_CORRUPT,
            what("change %.*s is not in the store", SHORT, ID_TEXT(&row->id)), NULL,
            fix("restore the store from a backup"));
    return r;
}

int history_intent(struct agent *a, size_t n, struct intent **ret, struct err *e)
{
    struct intent *in = intent_new();
    for (size_t i = 0; i < n; i++) {
        struct change *c;
        int r = history_load(a, &a->history.v[i], &c, e);
        if (r < 0) {
            intent_free(in);
            return r;
        }
        intent_apply_as(in, c, ledger_standing(a->ledger, c));
        change_free(c);
    }
    *ret = in;
    return 0;
}

/* The intent after the change that starts with `at`; now when it is NULL. */
static int intent_after(
    struct agent *a, const char *at, const char *param, struct intent **ret, struct err *e)
{
    if (!at) {
        *ret = intent_fork(a->intent);
        return 0;
    }
    const struct history_row *row = NULL;
    int r = history_prefix(&a->history, at, &row, e);
    if (r < 0)
        err_at(e, "/%s", param);
    return r < 0 ? r : history_intent(a, (size_t)(row - a->history.v) + 1, ret, e);
}

/* --- what the API shows ----------------------------------------------------------------------- */

const char *change_op_text(const struct op *op)
{
    return op->type == OP_DELETE ? "delete" : op->bases_n ? "set" : "create";
}

struct value *change_docs_short(const struct change *c)
{
    struct value *docs = value_list();
    for (size_t i = 0; i < c->ops_n; i++) {
        struct value *doc = value_add(docs, value_map());
        value_set_text(doc, "op", change_op_text(&c->ops[i]));
        value_set_text(doc, "kind", schema_kinds[c->ops[i].object->kind].name);
        value_set_text(doc, "name", c->ops[i].object->name);
    }
    return docs;
}

static const char *origin_name(const struct agent *a, const node_id *origin)
{
    return members_name(&a->members, origin);
}

/* NULL: it counts, as nearly all do. */
static const char *standing_text(const struct agent *a, const struct change *c)
{
    static const char *const texts[] = {
        [STANDING_WAITS] = "pending",
        [STANDING_REFUSED] = "refused",
        [STANDING_OUT] = "too-late", /* of a node that was removed */
    };
    enum standing s = ledger_standing(a->ledger, c);
    bool provisional = c->ops_n && c->ops[0].claims == OP_CLAIMS_PROVISIONAL &&
                       !ledger_decision(a->ledger, &c->id);
    return s != STANDING_COUNTS ? texts[s] : provisional ? "provisional" : NULL;
}

struct value *change_head(const struct agent *a, const struct change *c)
{
    char at[TIME_TEXT];
    struct value *v = value_map();
    value_set_text(v, "change", ID_TEXT(&c->id));
    value_set_text(v, "at", time_wall_format(hlc_wall(c->hlc), at));
    value_set_text(v, "origin", origin_name(a, &c->origin));
    value_set_int(v, "seq", (int64_t)c->seq);
    value_set_text(v, "author", c->author);
    value_set_text(v, "message", c->message);
    value_set_text(v, "standing", standing_text(a, c));
    return v;
}

static bool change_concerns(const struct change *c, const struct agent_history_ask *ask)
{
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        if ((!ask->kind || o->kind == ask->kind->kind) &&
            (!ask->name || strcasecmp(o->name, ask->name) == 0))
            return true;
    }
    return false;
}

int agent_history_list(
    void *ctx, const struct agent_history_ask *ask, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct value *list = value_list();
    history_order(&a->history);
    for (size_t i = a->history.n; i-- > 0 && list->n < ask->limit;) {
        struct change *c;
        int r = history_load(a, &a->history.v[i], &c, e);
        if (r < 0) {
            value_free(list);
            return r;
        }
        if (change_concerns(c, ask)) {
            struct value *v = value_add(list, change_head(a, c));
            value_set(v, "docs", change_docs_short(c));
        }
        change_free(c);
    }
    *ret = value_map();
    value_set(*ret, "changes", list);
    return 0;
}

/* One operation in full: the document that would do the same again. */
static struct value *op_to_value(const struct op *op)
{
    struct value *v = value_map();
    value_set_text(v, "op", change_op_text(op));
    value_set_text(v, "kind", schema_kinds[op->object->kind].name);
    value_set_text(v, "name", op->object->name);
    value_set_text(v, "rev", ID_TEXT(&op->rev));
    struct value *bases = value_set(v, "bases", value_list());
    for (size_t i = 0; i < op->bases_n; i++)
        value_add(bases, value_text(ID_TEXT(&op->bases[i])));
    if (op->type == OP_PUT) {
        value_set(v, "nodes", nodes_to_value(&op->object->nodes));
        value_set(v, "spec", value_clone(op->object->spec));
    }
    return v;
}

/* With the key of its origin, also of a node that is no member any more. */
static bool change_is_verified(const struct agent *a, const struct change *c)
{
    const struct member *m = members_find(&a->members, &c->origin);
    return m && change_verify(c, &m->is.key, NULL) == 0;
}

int agent_history_show(void *ctx, const char *change, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    const struct history_row *row = NULL;
    struct change *c;
    int r = history_prefix(&a->history, change, &row, e);
    if (r < 0)
        err_at(e, "/change");
    if (r == 0)
        r = history_load(a, row, &c, e);
    if (r < 0)
        return r;
    struct value *v = change_head(a, c);
    value_set(v, "stream", value_printf("%016llx", (unsigned long long)c->stream));
    value_set_text(v, "prev", ID_IS_ZERO(&c->prev) ? NULL : ID_TEXT(&c->prev));
    value_set_text(v, "root", hex_encode(c->root, sizeof(c->root), (char[2 * HASH_BYTES + 1]){0}));
    value_set_text(v, "signature",
        hex_encode(c->signature, sizeof(c->signature), (char[2 * SIGNATURE_BYTES + 1]){0}));
    value_set_bool(v, "verified", change_is_verified(a, c));
    const struct decision *d = ledger_decision(a->ledger, &c->id);
    if (d && !d->granted) {
        struct err refused;
        refusal_explain(&d->refusal, a->intent, c, &refused);
        value_set(v, "reason", err_to_value(&refused));
    }
    struct value *docs = value_set(v, "docs", value_list());
    for (size_t i = 0; i < c->ops_n; i++)
        value_add(docs, op_to_value(&c->ops[i]));
    change_free(c);
    *ret = v;
    return 0;
}

int agent_history_diff(
    void *ctx, const char *from, const char *to, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct intent *before = NULL, *after = NULL;
    int r = intent_after(a, from, "from", &before, e);
    if (r == 0)
        r = intent_after(a, to, "to", &after, e);
    if (r == 0) {
        struct diffs diffs = {0};
        diff_intents(before, after, &diffs);
        *ret = value_map();
        value_set(*ret, "docs", diffs_to_value(&diffs));
        diffs_done(&diffs);
    }
    intent_free(before);
    intent_free(after);
    return r;
}

/* An object as a document that apply takes: without what agents set, and without nodes where they
 * follow from the endpoints. */
static struct value *object_to_document(const struct object *o)
{
    const struct kind_info *kind = &schema_kinds[o->kind];
    struct value *doc = value_map(), *spec = value_clone(o->spec);
    for (const struct field *f = kind->fields; f->name; f++)
        if (f->flags & FIELD_READ_ONLY)
            value_set(spec, f->name, NULL);
    const struct value *ends = value_get(spec, "endpoints");
    value_set_text(doc, "kind", kind->name);
    value_set_text(doc, "name", o->name);
    if (!kind->is_managed && !(value_is(ends, VALUE_LIST) && ends->n))
        value_set(doc, "nodes", nodes_to_value(&o->nodes));
    value_set(doc, "spec", spec);
    return doc;
}

int agent_history_export(void *ctx, const char *at, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct intent *in = NULL;
    int r = intent_after(a, at, "at", &in, e);
    if (r < 0)
        return r;
    struct value *docs = value_list();
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));)
        value_add(docs, object_to_document(o));
    intent_free(in);
    *ret = value_map();
    value_set(*ret, "docs", docs);
    return 0;
}

/* undo.c: the documents that take one change back.
 *
 * Owns nothing but the documents that it makes. Reads no history: whoever calls has replayed it. */
#include <string.h>

#include "intent/undo.h"

enum { CHANGE_SHORT = 12 };

/* What the agents set is not the operator's to put back: it stays as it is. */
static struct value *spec_of_operator(const struct object *was, const struct object *is)
{
    struct value *spec = was->spec ? value_clone(was->spec) : value_map();
    for (const struct field *f = schema_kinds[was->kind].fields; f->name; f++) {
        if (!(f->flags & FIELD_READ_ONLY))
            continue;
        const struct value *v = is ? value_get(is->spec, f->name) : NULL;
        value_set(spec, f->name, v ? value_clone(v) : NULL);
    }
    return spec;
}

static struct value *document(const char *op, const struct object *o)
{
    struct value *doc = value_map();
    value_set_text(doc, "op", op);
    value_set_text(doc, "kind", schema_kinds[o->kind].name);
    value_set_text(doc, "name", o->name);
    return doc;
}

/* Which of several local objects of one name is meant, and the revision that the edit knows. */
static void document_aim(struct value *doc, const struct object *live, const struct entry *entry)
{
    if (nodes_is_local(&live->nodes))
        value_set_text(doc, "node", live->nodes.names[0]);
    value_set_text(doc, "rev", ID_TEXT(&entry->revs[0]->rev));
}

/* is: the object as it is now; NULL when it is made anew. */
static void document_fill(struct value *doc, const struct object *was, const struct object *is)
{
    if (!schema_kinds[was->kind].is_managed)
        value_set(doc, "nodes", nodes_to_value(&was->nodes));
    value_set(doc, "spec", spec_of_operator(was, is));
}

/* The live revision is the change's own, and the only one. */
static bool entry_is_of(const struct entry *entry, const struct op *op)
{
    return entry && entry->revs_n == 1 && ID_EQ(&entry->revs[0]->rev, &op->rev);
}

static void refuse_stale(const struct op *op, size_t index, const struct object *o,
    const struct entry *entry, const struct change *c, struct errs *errs)
{
    char title[OBJECT_TITLE], at[TIME_TEXT];
    object_title(o, title);
    struct err *e = errs_add(errs);
    const struct revision *rev = NULL;
    for (size_t i = 0; entry && i < entry->revs_n && !rev; i++) {
        if (!ID_EQ(&entry->revs[i]->rev, &op->rev))
            rev = entry->revs[i];
    }
    if (rev) {
        time_wall_format(hlc_wall(rev->hlc), at);
        err_set(e, ERR_STALE, what("%s was edited since", title),
            why("change %.*s of %.10s %.5s UTC edited it after this one", CHANGE_SHORT,
                ID_TEXT(&rev->change), at, at + 11),
            fix("karctl undo %.*s first, or: karctl undo %.*s --force", CHANGE_SHORT,
                ID_TEXT(&rev->change), CHANGE_SHORT, ID_TEXT(&c->id)));
    } else {
        err_set(e, ERR_STALE, what("%s was deleted since", title),
            why("a later change removed what this one had made of it"),
            fix("to create it anew as it was before: karctl undo %.*s --force", CHANGE_SHORT,
                ID_TEXT(&c->id)));
    }
    err_at(e, "/ops/%zu", index);
}

/* One operation taken back: at most one document, NULL when nothing is left to do. */
static struct value *undo_op(const struct change *c, size_t index, const struct intent *before,
    const struct intent *now, bool force, struct errs *errs)
{
    const struct op *op = &c->ops[index];
    object_id id = op->object->id;
    if (ID_IS_ZERO(&id))
        memcpy(id.b, op->rev.b, sizeof(id.b));
    const struct object *was = intent_get(before, &id), *is = intent_get(now, &id);
    const struct entry *entry = intent_entry(now, &id);

    if (!was && !is)
        return NULL; /* created by it, gone already */
    if (was && !is && op->type == OP_DELETE) {
        struct value *doc = document("create", was);
        document_fill(doc, was, NULL);
        return doc;
    }
    if (!force && !entry_is_of(is ? entry : NULL, op)) {
        refuse_stale(op, index, is ? is : was, is ? entry : NULL, c, errs);
        return NULL;
    }
    if (!was) {
        struct value *doc = document("delete", is);
        document_aim(doc, is, entry);
        return doc;
    }
    struct value *doc = document(is ? "put" : "create", was);
    if (is)
        document_aim(doc, is, entry);
    document_fill(doc, was, is);
    return doc;
}

int undo_documents(const struct change *c, const struct intent *before, const struct intent *now,
    bool force, struct value **ret_docs, struct errs *errs)
{
    size_t first = errs->n + errs->dropped;
    struct value *docs = value_list(), *puts = value_list();
    for (size_t i = 0; i < c->ops_n; i++) {
        struct value *doc = undo_op(c, i, before, now, force, errs);
        if (!doc)
            continue;
        const char *op = value_get_text(doc, "op");
        value_add(strcmp(op, "delete") == 0 ? docs : puts, doc);
    }
    for (size_t i = 0; i < puts->n; i++)
        value_add(docs, value_clone(puts->v[i]));
    value_free(puts);
    if (errs->n + errs->dropped > first) {
        value_free(docs);
        return first < errs->n ? -(int)errs->v[first].code : -ERR_STALE;
    }
    *ret_docs = docs;
    return 0;
}

/* agent_docs.c: the documents of a request to the operations of a change.
 *
 * Owns the meaning of `op`, `node` and `rev`: which object a document is about and what becomes of
 * it. The schema checks what is inside, the rules what stands beside. Every fault is added to the
 * draft's errors under its document, so that a file is told all its errors at once. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "intent/diff.h"
#include "kard/agent_draft.h"

enum doc_op { DOC_PUT, DOC_CREATE, DOC_SET, DOC_DELETE };

static const char *const doc_ops[] = {"put", "create", "set", "delete"};

static const struct {
    const char *name;
    enum value_type type;
} doc_members[] = {
    {"op", VALUE_TEXT}, {"kind", VALUE_TEXT}, {"name", VALUE_TEXT}, {"node", VALUE_TEXT},
    {"rev", VALUE_TEXT}, {"take", VALUE_TEXT}, {"spec", VALUE_MAP},
    {"nodes", VALUE_NULL}, /* text or list: nodes_parse tells */
};

struct doc {
    struct agent *a;
    struct draft *d;
    size_t index;
    const struct value *v;
    enum doc_op op;
    const struct kind_info *kind;
    const char *name, *node, *rev, *take;
    const struct object *live;  /* NULL: there is none yet */
    const struct object *taken; /* what a conflicting edit made of it; NULL: none is taken */
};

#define doc_refuse(doc, member, code, what_, why_, fix_) \
    do {                                                 \
        struct err *e_ = errs_add(&(doc)->d->errs);      \
        err_set(e_, code, what_, why_, fix_);            \
        err_at(e_, "/docs/%zu%s", (doc)->index, member); \
    } while (0)

/* --- what the document says ------------------------------------------------------------------- */

static bool doc_member_ok(struct doc *doc, const char *key, const struct value *v)
{
    char at[ERR_AT_MAX];
    snprintf(at, sizeof(at), "/%.64s", key);
    for (size_t i = 0; i < ARRAY_LEN(doc_members); i++) {
        if (strcmp(key, doc_members[i].name) != 0)
            continue;
        enum value_type want = doc_members[i].type;
        if (v->type == want || v->type == VALUE_NULL || want == VALUE_NULL)
            return true;
        doc_refuse(doc, at, ERR_FIELD_TYPE,
            what("%s is not %s", key, want == VALUE_MAP ? "a map" : "a text"), NULL, NULL);
        return false;
    }
    doc_refuse(doc, at, ERR_FIELD_UNKNOWN, what("a document has no member %.64s", key),
        why("it has kind, name, nodes and spec, and op, node, rev and take"),
        fix("fields of the object stand below spec"));
    return false;
}

static bool doc_op_read(struct doc *doc)
{
    const char *op = value_get_text(doc->v, "op");
    if (!op)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(doc_ops); i++) {
        if (strcmp(op, doc_ops[i]) == 0) {
            doc->op = (enum doc_op)i;
            return true;
        }
    }
    doc_refuse(doc, "/op", ERR_FIELD_RANGE, what("there is no op %.64s", op),
        why("it is put, create, set or delete"), NULL);
    return false;
}

static bool doc_read(struct doc *doc)
{
    if (!value_is(doc->v, VALUE_MAP)) {
        doc_refuse(doc, "", ERR_FIELD_TYPE, what("a document is a map"),
            why("it has kind, name, nodes and spec"), NULL);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < doc->v->n; i++)
        ok &= doc_member_ok(doc, doc->v->keys[i], doc->v->v[i]);
    ok &= doc_op_read(doc);
    const char *kind = value_get_text(doc->v, "kind");
    doc->name = value_get_text(doc->v, "name");
    doc->node = value_get_text(doc->v, "node");
    doc->rev = value_get_text(doc->v, "rev");
    doc->take = value_get_text(doc->v, "take");
    doc->kind = kind ? schema_kind(kind) : NULL;
    if (!kind || !doc->name) {
        doc_refuse(doc, "", ERR_FIELD_MISSING,
            what("the document has no %s", kind ? "name" : "kind"), NULL,
            fix("karctl explain shows an example of each kind"));
        return false;
    }
    if (!doc->kind) {
        doc_refuse(doc, "/kind", ERR_KIND_UNKNOWN, what("there is no kind %.64s", kind), NULL,
            fix("karctl explain lists the kinds"));
        return false;
    }
    /* What a node that is gone has left is deleted by its name. */
    if (doc->node && doc->op != DOC_DELETE && !intent_node(doc->a->intent, doc->node)) {
        doc_refuse(doc, "/node", ERR_NODE_UNKNOWN, what("there is no node %.64s", doc->node), NULL,
            fix("karctl node list shows the nodes"));
        return false;
    }
    return ok;
}

/* --- which object it means -------------------------------------------------------------------- */

/* The one node that the document names in `nodes`, or NULL. */
static bool doc_nodes_local(const struct doc *doc, char ret_node[NODE_NAME_MAX + 1])
{
    const struct value *v = value_get(doc->v, "nodes");
    struct nodes nodes = {0};
    bool local = false;
    if (v && v->type != VALUE_NULL && nodes_parse(v, &nodes, NULL) == 0) {
        local = nodes_is_local(&nodes);
        if (local)
            snprintf(ret_node, NODE_NAME_MAX + 1, "%s", nodes.names[0]);
        nodes_done(&nodes);
    }
    return local;
}

static bool doc_has_nodes(const struct doc *doc)
{
    const struct value *v = value_get(doc->v, "nodes");
    return v && v->type != VALUE_NULL;
}

/* A put or create means the object of that name where it is to stand; set and delete mean the one
 * that is there, wherever, as long as there is only one. */
static bool doc_find(struct doc *doc)
{
    const struct intent *in = doc->a->intent;
    enum kind kind = doc->kind->kind;
    bool edits = doc->op == DOC_SET || doc->op == DOC_DELETE;
    char local[NODE_NAME_MAX + 1];
    bool ambiguous = false;
    const char *node = doc->node;
    if (!node && !edits && doc_nodes_local(doc, local))
        node = local;
    if (!node && !edits && !doc_has_nodes(doc) &&
        intent_find(in, kind, doc->name, doc->a->node, NULL))
        node = doc->a->node;
    doc->live = intent_find(in, kind, doc->name, node, &ambiguous);
    /* Without nodes a new object is meant to stand here, not to edit the one of another node. */
    if (!node && !edits && !doc_has_nodes(doc) && doc->live && nodes_is_local(&doc->live->nodes))
        doc->live = NULL;
    /* Another letter case is another name to whoever creates: the rules say who has it (SW-2). */
    if (!edits && doc->live && strcmp(doc->live->name, doc->name) != 0)
        doc->live = NULL;
    if (!doc->live && ambiguous && (edits || doc_has_nodes(doc))) {
        doc_refuse(doc, "/name", ERR_NOT_FOUND,
            what("several nodes have a %s %s of their own", doc->kind->name, doc->name), NULL,
            fix("say which with --node"));
        return false;
    }
    if (doc->live && doc->op == DOC_CREATE) {
        char title[OBJECT_TITLE];
        doc_refuse(doc, "/name", ERR_EXISTS, what("%s exists", object_title(doc->live, title)),
            NULL, fix("karctl %s set %s, or choose another name", doc->kind->name, doc->name));
        return false;
    }
    /* A nic is never made: its settings begin with the first edit. */
    if (!doc->live && edits && !(doc->op == DOC_SET && kind == KIND_NIC)) {
        doc_refuse(doc, "/name", ERR_NOT_FOUND,
            what("there is no %s %.64s%s%s", doc->kind->name, doc->name, node ? " on " : "",
                node ? node : ""),
            NULL, fix("karctl %s list", doc->kind->name));
        return false;
    }
    return true;
}

static bool doc_rev_ok(struct doc *doc)
{
    if (!doc->rev)
        return true;
    char title[OBJECT_TITLE];
    const struct entry *entry = doc->live ? intent_entry(doc->a->intent, &doc->live->id) : NULL;
    if (!entry) {
        doc_refuse(doc, "/rev", ERR_STALE,
            what("there is no %s %s any more", doc->kind->name, doc->name),
            why("the edit is based on its revision %.8s", doc->rev), NULL);
        return false;
    }
    const struct revision *live = entry->revs[0];
    size_t n = strlen(doc->rev);
    if (n >= 4 && strncmp(ID_TEXT(&live->rev), doc->rev, n) == 0)
        return true;
    const struct history_row *row = history_find(&doc->a->history, &live->change);
    char at[TIME_TEXT];
    doc_refuse(doc, "/rev", ERR_STALE, what("%s was edited since", object_title(doc->live, title)),
        why("change %.8s by %s at %s made revision %.8s of it", ID_TEXT(&live->change),
            row ? row->author : "somebody", time_wall_format(hlc_wall(live->hlc), at),
            ID_TEXT(&live->rev)),
        fix("karctl %s show %s, then edit again", doc->kind->name, doc->name));
    return false;
}

/* `take`: the change, or the revision, of a put that lost against the one in force. */
static bool doc_taken(struct doc *doc)
{
    const struct entry *e = doc->live ? intent_entry(doc->a->intent, &doc->live->id) : NULL;
    size_t n = doc->take ? strlen(doc->take) : 0;
    if (!doc->take)
        return true;
    for (size_t i = 0; e && i < e->revs_n && n >= 4 && !doc->taken; i++) {
        const struct revision *r = e->revs[i];
        if (r->type == OP_PUT && (strncmp(ID_TEXT(&r->change), doc->take, n) == 0 ||
                                     strncmp(ID_TEXT(&r->rev), doc->take, n) == 0))
            doc->taken = r->object;
    }
    if (doc->taken && doc->op == DOC_SET)
        return true;
    doc_refuse(doc, "/take", ERR_NOT_FOUND,
        what("%s %.64s has no edit %.64s to take", doc->kind->name, doc->name, doc->take),
        why("it is set to one of its own edits that lost, which a change of that id made"),
        fix("karctl conflicts shows them"));
    return false;
}

/* --- what becomes of it ----------------------------------------------------------------------- */

/* What the agents set stays: taken out before the check (which refuses it from users) unless the
 * user means to change it, put back afterwards. */
static void spec_hide_read_only(const struct doc *doc, struct value *spec)
{
    for (const struct field *f = doc->kind->fields; f->name; f++) {
        const struct value *is = doc->live ? value_get(doc->live->spec, f->name) : NULL;
        if ((f->flags & FIELD_READ_ONLY) && is && value_equal(value_get(spec, f->name), is))
            value_set(spec, f->name, NULL);
    }
}

static void spec_keep_read_only(const struct doc *doc, struct value *spec)
{
    for (const struct field *f = doc->kind->fields; f->name; f++) {
        const struct value *is = doc->live ? value_get(doc->live->spec, f->name) : NULL;
        if ((f->flags & FIELD_READ_ONLY) && is && !value_get(spec, f->name))
            value_set(spec, f->name, value_clone(is));
    }
}

/* An overlay with endpoints stands on their nodes: its document names none. */
static bool spec_derives_nodes(const struct doc *doc, const struct value *spec)
{
    const struct value *ends = value_get(spec, "endpoints");
    return doc->kind->kind == KIND_OVERLAY && ends && ends->type != VALUE_NULL &&
           !(ends->type == VALUE_LIST && ends->n == 0);
}

/* The whole document as it is to be, for the schema. */
static struct value *doc_whole(const struct doc *doc)
{
    const struct value *spec = value_get(doc->v, "spec");
    struct value *whole = value_map(), *s;
    value_set_text(whole, "kind", doc->kind->name);
    value_set_text(whole, "name", doc->live ? doc->live->name : doc->name);
    if (doc->op == DOC_SET && doc->live) {
        s = value_clone(doc->taken ? doc->taken->spec : doc->live->spec);
        if (spec)
            value_merge_patch(s, spec);
    } else {
        s = spec && spec->type == VALUE_MAP ? value_clone(spec) : value_map();
    }
    spec_hide_read_only(doc, s);
    if (doc_has_nodes(doc))
        value_set(whole, "nodes", value_clone(value_get(doc->v, "nodes")));
    else if (doc->live && !doc->kind->is_managed && !spec_derives_nodes(doc, s))
        value_set(
            whole, "nodes", nodes_to_value(doc->taken ? &doc->taken->nodes : &doc->live->nodes));
    value_set(whole, "spec", s);
    return whole;
}

static void draft_op_from(struct draft *d, size_t index)
{
    size_t n = d->change->ops_n;
    d->doc_of_op = mem_resize(d->doc_of_op, n * sizeof(*d->doc_of_op));
    d->doc_of_op[n - 1] = index;
}

static void doc_answer(struct doc *doc, const struct object *after)
{
    struct diff diff = {0};
    diff_objects(doc->live, after, &diff);
    value_add(doc->d->docs, diff_to_value(&diff));
    diff_done(&diff);
}

/* Every live revision that the edit supersedes, the winner first. */
static size_t doc_bases(const struct doc *doc, rev_id ret[CHANGE_BASES_MAX])
{
    const struct entry *entry = doc->live ? intent_entry(doc->a->intent, &doc->live->id) : NULL;
    size_t n = 0;
    for (; entry && n < entry->revs_n && n < CHANGE_BASES_MAX; n++)
        ret[n] = entry->revs[n]->rev;
    return n;
}

static void doc_delete(struct doc *doc)
{
    rev_id bases[CHANGE_BASES_MAX];
    size_t n = doc_bases(doc, bases);
    change_add_delete(doc->d->change, &doc->live->id, doc->kind->kind, doc->live->name, bases, n);
    draft_op_from(doc->d, doc->index);
    doc_answer(doc, NULL);
}

/* Whether a put would leave everything as it is: the same object, granted, and nothing to settle.
 */
static bool doc_changes_nothing(const struct doc *doc, const struct object *o)
{
    const struct entry *entry = doc->live ? intent_entry(doc->a->intent, &doc->live->id) : NULL;
    return entry && entry->revs_n == 1 && entry_standing(entry) == STANDING_COUNTS &&
           strcmp(o->name, doc->live->name) == 0 && nodes_equal(&o->nodes, &doc->live->nodes) &&
           value_equal(o->spec, doc->live->spec);
}

/* An edit that waits would be gone without a word: this one names it and does not have what it
 * asked for. */
static void warn_of_waiting(struct doc *doc)
{
    const struct entry *entry = doc->live ? intent_entry(doc->a->intent, &doc->live->id) : NULL;
    char title[OBJECT_TITLE];
    for (size_t i = 1; entry && i < entry->revs_n; i++) {
        const struct revision *r = entry->revs[i];
        if (r->standing != STANDING_WAITS || r->type != OP_PUT || r->object == doc->taken)
            continue;
        struct err *w = errs_add(&doc->d->warnings);
        err_set(w, ERR_CONFIRM_NEEDED,
            what("%s has an edit that waits for its claims", object_title(doc->live, title)),
            why("change %.8s is not decided yet; this one takes its place", ID_TEXT(&r->change)),
            fix("wait for it: karctl conflicts, or replace it with --yes"));
        err_at(w, "/docs/%zu", doc->index);
    }
}

static void doc_put(struct doc *doc)
{
    char at[ERR_AT_MAX];
    snprintf(at, sizeof(at), "/docs/%zu", doc->index);
    struct value *whole = doc_whole(doc);
    struct object *o = NULL;
    int r = object_from_document(whole, at, doc->a->node, &o, &doc->d->errs);
    value_free(whole);
    if (r < 0)
        return;
    spec_keep_read_only(doc, o->spec);
    if (doc->live)
        o->id = doc->live->id;
    doc_answer(doc, o);
    if (doc_changes_nothing(doc, o)) {
        object_free(o);
        return;
    }
    warn_of_waiting(doc);
    rev_id bases[CHANGE_BASES_MAX];
    size_t n = doc_bases(doc, bases);
    change_add_put(doc->d->change, o, bases, n);
    draft_op_from(doc->d, doc->index);
}

void draft_documents(struct agent *a, const struct value *docs, struct draft *d)
{
    for (size_t i = 0; i < docs->n; i++) {
        struct doc doc = {.a = a, .d = d, .index = i, .v = docs->v[i]};
        if (!doc_read(&doc) || !doc_find(&doc) || !doc_rev_ok(&doc) || !doc_taken(&doc))
            continue;
        if (doc.op == DOC_DELETE)
            doc_delete(&doc);
        else
            doc_put(&doc);
    }
}

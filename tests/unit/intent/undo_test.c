/* undo_test.c: the documents that take a change back. */
#include "world.h"

#include "intent/diff.h"
#include "intent/undo.h"

struct undone {
    struct world w;
    struct intent *before; /* the change to undo */
    struct change *c;
};

static void undone_open(struct undone *u, const char *given, const char *change)
{
    world_open(&u->w);
    if (given)
        world_do(&u->w, given);
    u->before = intent_fork(u->w.in);
    u->c = world_change(&u->w, change);
    world_accept(&u->w, u->c);
}

static void undone_close(struct undone *u)
{
    intent_free(u->before);
    change_free(u->c);
    world_close(&u->w);
}

/* Documents as lines, without revisions, which differ with every hash. */
static char *docs_lines(const struct value *docs)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < docs->n; i++) {
        struct value *doc = value_clone(docs->v[i]);
        value_set(doc, "rev", NULL);
        value_to_json(doc, 0, &b);
        buf_add_str(&b, "\n");
        value_free(doc);
    }
    return buf_take(&b);
}

static void expect_documents(struct undone *u, bool force, const char *expected)
{
    struct errs errs = {0};
    struct value *docs = NULL;
    assert_int_equal(undo_documents(u->c, u->before, u->w.in, force, &docs, &errs), 0);
    char *lines = docs_lines(docs);
    assert_string_equal(lines, expected);
    free(lines);
    value_free(docs);
    errs_done(&errs);
}

/* Applied as the API would, the documents bring the former specs back. */
static void apply_documents(struct undone *u, const struct value *docs)
{
    struct buf lines = BUF_INIT;
    struct change *c = change_new();
    uint8_t seed[32] = {9};
    struct key_public pub;
    struct key_secret sec;
    crypto_keypair_from_seed(seed, &pub, &sec);
    c->stream = 9;
    c->seq = 1;
    c->hlc = (hlc)u->w.wall << 16;
    for (size_t i = 0; i < docs->n; i++) {
        const struct value *doc = docs->v[i];
        const struct kind_info *kind = schema_kind(value_get_text(doc, "kind"));
        const char *name = value_get_text(doc, "name"), *op = value_get_text(doc, "op");
        const struct object *was = intent_find(
            u->w.in, kind->kind, name, value_get_text(doc, "node"), NULL);
        rev_id base;
        const char *rev = value_get_text(doc, "rev");
        assert_int_equal(strcmp(op, "create") == 0, rev == NULL);
        if (rev)
            assert_int_equal(hex_decode(rev, base.b, sizeof(base.b)), 0);
        if (strcmp(op, "delete") == 0) {
            assert_non_null(was);
            change_add_delete(c, &was->id, kind->kind, name, &base, 1);
            continue;
        }
        struct object *o;
        struct errs errs = {0};
        assert_int_equal(object_from_document(doc, "/docs/0", "n1", &o, &errs), 0);
        if (rev) {
            assert_non_null(was);
            o->id = was->id;
        }
        change_add_put(c, o, &base, rev ? 1 : 0);
    }
    assert_int_equal(change_seal(c, &sec, NULL), 0);
    world_accept(&u->w, c);
    change_free(c);
    buf_done(&lines);
}

/* Kind, name, nodes and spec of everything: ids and revisions differ when something is made anew.
 */
static char *specs(const struct intent *in)
{
    struct buf b = BUF_INIT;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));) {
        struct value *v = object_to_value(o);
        value_set(v, "id", NULL);
        value_to_json(v, 0, &b);
        buf_add_str(&b, "\n");
        value_free(v);
    }
    return buf_take(&b);
}

static void what_was_created_edited_and_deleted_is_as_before(void **state)
{
    (void)state;
    struct undone u;
    undone_open(&u,
        "vlan storage nodes=n1 parent=eth1 tag=110 mtu=9000\nswitch lan nodes=n1 uplink=storage\n"
        "set node n1 roles=uplink=eno1",
        "set vlan storage mtu=1400\ndelete switch lan\nswitch wan nodes=n2\n"
        "set node n1 roles=uplink=eno2");
    char *before = specs(u.before);
    struct errs errs = {0};
    struct value *docs = NULL;
    assert_int_equal(undo_documents(u.c, u.before, u.w.in, false, &docs, &errs), 0);
    char *lines = docs_lines(docs);
    char expected[1024];
    snprintf(expected, sizeof(expected),
        "{\"op\":\"delete\",\"kind\":\"switch\",\"name\":\"wan\",\"node\":\"n2\"}\n"
        "{\"op\":\"put\",\"kind\":\"vlan\",\"name\":\"storage\",\"node\":\"n1\",\"nodes\":[\"n1\"],"
        "\"spec\":{\"parent\":\"eth1\",\"tag\":110,\"mtu\":9000}}\n"
        "{\"op\":\"create\",\"kind\":\"switch\",\"name\":\"lan\",\"nodes\":[\"n1\"],"
        "\"spec\":{\"uplink\":\"storage\"}}\n"
        "{\"op\":\"put\",\"kind\":\"node\",\"name\":\"n1\",\"spec\":{\"key\":\"%064d\","
        "\"labels\":{\"rack\":\"a\"},\"roles\":{\"uplink\":\"eno1\"}}}\n",
        1);
    assert_string_equal(lines, expected);
    apply_documents(&u, docs);
    char *after = specs(u.w.in);
    assert_string_equal(before, after);
    free(before);
    free(after);
    free(lines);
    value_free(docs);
    undone_close(&u);
}

static void an_object_edited_since_is_stale(void **state)
{
    (void)state;
    struct undone u;
    undone_open(&u, "switch lan nodes=n1", "set switch lan stp=true\nswitch wan nodes=n1");
    struct change *later = world_change(&u.w, "set switch lan ageing_s=60");
    world_accept(&u.w, later);
    struct errs errs = {0};
    struct value *docs = NULL;
    assert_int_equal(undo_documents(u.c, u.before, u.w.in, false, &docs, &errs), -ERR_STALE);
    assert_null(docs);
    assert_int_equal(errs.n, 1);
    char why_[256], fix_[256];
    snprintf(why_, sizeof(why_), "change %.12s of 2026-01-31 12:03 UTC edited it after this one",
        ID_TEXT(&later->id));
    snprintf(fix_, sizeof(fix_), "karctl undo %.12s first, or: karctl undo %.12s --force",
        ID_TEXT(&later->id), ID_TEXT(&u.c->id));
    assert_string_equal(errs.v[0].what, "switch n1/lan was edited since");
    assert_string_equal(errs.v[0].why, why_);
    assert_string_equal(errs.v[0].fix, fix_);
    errs_done(&errs);
    expect_documents(&u, true,
        "{\"op\":\"delete\",\"kind\":\"switch\",\"name\":\"wan\",\"node\":\"n1\"}\n"
        "{\"op\":\"put\",\"kind\":\"switch\",\"name\":\"lan\",\"node\":\"n1\",\"nodes\":[\"n1\"],"
        "\"spec\":{}}\n");
    change_free(later);
    undone_close(&u);
}

static void an_object_deleted_since_is_stale_and_made_anew_by_force(void **state)
{
    (void)state;
    struct undone u;
    undone_open(&u, "switch lan nodes=n1", "set switch lan stp=true");
    world_do(&u.w, "delete switch lan");
    struct errs errs = {0};
    struct value *docs = NULL;
    assert_int_equal(undo_documents(u.c, u.before, u.w.in, false, &docs, &errs), -ERR_STALE);
    assert_int_equal(errs.n, 1);
    assert_string_equal(errs.v[0].what, "switch n1/lan was deleted since");
    errs_done(&errs);
    expect_documents(&u, true,
        "{\"op\":\"create\",\"kind\":\"switch\",\"name\":\"lan\",\"nodes\":[\"n1\"],"
        "\"spec\":{}}\n");
    undone_close(&u);
}

static void nothing_is_left_to_undo(void **state)
{
    (void)state;
    struct undone u;
    undone_open(&u, NULL, "switch lan nodes=n1");
    world_do(&u.w, "delete switch lan");
    expect_documents(&u, false, "");
    undone_close(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_created_edited_and_deleted_is_as_before),
        cmocka_unit_test(an_object_edited_since_is_stale),
        cmocka_unit_test(an_object_deleted_since_is_stale_and_made_anew_by_force),
        cmocka_unit_test(nothing_is_left_to_undo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

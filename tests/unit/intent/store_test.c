/* store_test.c: what every store promises, asked of the one in memory and of the one on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intent/store.h"
#include "test_dir.h"

struct fixture {
    struct test_dir dir;
    struct store *s;
    bool on_disk;
};

static void fixture_open(struct fixture *f, bool on_disk)
{
    struct err e = {0};
    f->on_disk = on_disk;
    test_dir_make(&f->dir);
    if (!on_disk)
        f->s = store_mem_open();
    else if (store_lmdb_open(f->dir.path, &f->s, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
}

static void fixture_close(struct fixture *f)
{
    f->s->ops->close(f->s);
    test_dir_remove(&f->dir);
}

static void put(struct store_batch *b, enum store_table t, const char *key, const char *value)
{
    store_put(b, t, key, strlen(key), value, strlen(value));
}

static void commit(struct store *s, struct store_batch *b)
{
    struct err e = {0};
    assert_int_equal(store_commit_wait(s, b, &e), 0);
    assert_int_equal(b->n, 0); /* taken over */
}

/* The value as text, "(none)" when there is none. */
static const char *get(struct store *s, enum store_table t, const char *key)
{
    static char text[64];
    struct buf b = BUF_INIT;
    struct err e = {0};
    int r = s->ops->get(s, t, key, strlen(key), &b, &e);
    if (r < 0) {
        assert_int_equal(r, -ERR_NOT_FOUND);
        return "(none)";
    }
    snprintf(text, sizeof(text), "%s", buf_cstr(&b));
    buf_done(&b);
    return text;
}

struct listing {
    char text[256];
    size_t stop_after;
};

static bool list_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct listing *l = ctx;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof(l->text) - n, "%.*s=%.*s ", (int)key_n, (const char *)key,
        (int)value_n, (const char *)value);
    return l->stop_after == 0 || --l->stop_after > 0;
}

static const char *each(struct store *s, enum store_table t, const char *prefix, size_t stop_after)
{
    static struct listing l;
    struct err e = {0};
    l = (struct listing){.stop_after = stop_after};
    assert_int_equal(s->ops->each(s, t, prefix, strlen(prefix), list_one, &l, &e), 0);
    return l.text;
}

static void keeps_what_was_committed(bool on_disk)
{
    struct fixture f;
    struct store_batch b = {0};
    fixture_open(&f, on_disk);
    put(&b, STORE_META, "node", "n1");
    put(&b, STORE_META, "hlc", "12");
    put(&b, STORE_BORROWED, "node", "other table, same key");
    store_put(&b, STORE_META, "empty", 5, NULL, 0);
    assert_string_equal(get(f.s, STORE_META, "node"), "(none)");
    commit(f.s, &b);
    assert_string_equal(get(f.s, STORE_META, "node"), "n1");
    assert_string_equal(get(f.s, STORE_META, "empty"), "");
    assert_string_equal(get(f.s, STORE_BORROWED, "node"), "other table, same key");

    put(&b, STORE_META, "hlc", "13");
    store_delete(&b, STORE_META, "node", 4);
    store_delete(&b, STORE_META, "never there", 11);
    commit(f.s, &b);
    assert_string_equal(get(f.s, STORE_META, "hlc"), "13");
    assert_string_equal(get(f.s, STORE_META, "node"), "(none)");
    fixture_close(&f);
}

static void lists_in_key_order(bool on_disk)
{
    struct fixture f;
    struct store_batch b = {0};
    fixture_open(&f, on_disk);
    put(&b, STORE_SLOTS, "b2", "4");
    put(&b, STORE_SLOTS, "a", "1");
    put(&b, STORE_SLOTS, "b", "2");
    put(&b, STORE_SLOTS, "b1", "3");
    put(&b, STORE_SLOTS, "c", "5");
    put(&b, STORE_JOURNAL, "b3", "not this table's");
    commit(f.s, &b);
    assert_string_equal(each(f.s, STORE_SLOTS, "", 0), "a=1 b=2 b1=3 b2=4 c=5 ");
    assert_string_equal(each(f.s, STORE_SLOTS, "b", 0), "b=2 b1=3 b2=4 ");
    assert_string_equal(each(f.s, STORE_SLOTS, "bb", 0), "");
    assert_string_equal(each(f.s, STORE_SLOTS, "", 2), "a=1 b=2 ");
    assert_string_equal(each(f.s, STORE_CHANGES, "", 0), "");
    fixture_close(&f);
}

/* Within a batch the last write of a key counts, and later batches see earlier ones. */
static void writes_in_order(bool on_disk)
{
    struct fixture f;
    struct store_batch b = {0};
    fixture_open(&f, on_disk);
    put(&b, STORE_META, "k", "1");
    store_delete(&b, STORE_META, "k", 1);
    put(&b, STORE_META, "k", "2");
    f.s->ops->commit(f.s, &b, NULL, NULL);
    put(&b, STORE_META, "k", "3");
    f.s->ops->commit(f.s, &b, NULL, NULL);
    commit(f.s, &b); /* an empty batch is a barrier */
    assert_string_equal(get(f.s, STORE_META, "k"), "3");
    struct store_stats st = {0};
    f.s->ops->stats(f.s, &st);
    assert_int_equal(st.batches, 3);
    assert_int_equal(st.records, 1);
    fixture_close(&f);
}

struct story {
    char text[128];
    struct store *s;
};

static void note(struct story *st, const char *name, int result)
{
    size_t n = strlen(st->text);
    snprintf(st->text + n, sizeof(st->text) - n, "%s%s ", name, result < 0 ? "-failed" : "");
}

static void done_a(void *ctx, int r, const struct err *e)
{
    assert_true((r < 0) == (e != NULL));
    note(ctx, "a", r);
}

static void done_b(void *ctx, int r, const struct err *e)
{
    struct story *st = ctx;
    (void)e;
    note(st, "b", r);
    struct store_batch again = {0};
    put(&again, STORE_META, "from b", "1");
    assert_int_equal(store_commit_wait(st->s, &again, NULL), 0); /* dispatches c on its way */
    note(st, "b2", 0);
}

static void done_c(void *ctx, int r, const struct err *e)
{
    (void)e;
    note(ctx, "c", r);
}

/* Completions come in the order of the commits, also when one of them waits for another commit. */
static void completes_in_order(bool on_disk)
{
    struct fixture f;
    struct store_batch b = {0};
    fixture_open(&f, on_disk);
    struct story st = {.s = f.s};
    put(&b, STORE_META, "1", "1");
    f.s->ops->commit(f.s, &b, done_a, &st);
    put(&b, STORE_META, "2", "2");
    f.s->ops->commit(f.s, &b, done_b, &st);
    put(&b, STORE_META, "3", "3");
    f.s->ops->commit(f.s, &b, done_c, &st);
    commit(f.s, &b);
    assert_string_equal(st.text, "a b c b2 ");
    assert_string_equal(each(f.s, STORE_META, "", 0), "1=1 2=2 3=3 from b=1 ");
    fixture_close(&f);
}

static void test_both(void **state)
{
    (void)state;
    for (int on_disk = 0; on_disk < 2; on_disk++) {
        keeps_what_was_committed(on_disk);
        lists_in_key_order(on_disk);
        writes_in_order(on_disk);
        completes_in_order(on_disk);
    }
}

/* A simulated power cut: what was not dispatched is gone, what was is there. */
static void test_mem_crash(void **state)
{
    (void)state;
    struct store *s = store_mem_open();
    struct store_batch b = {0};
    put(&b, STORE_META, "k", "durable");
    commit(s, &b);
    put(&b, STORE_META, "k", "lost");
    struct story st = {.s = s};
    s->ops->commit(s, &b, done_a, &st);
    store_mem_crash(s);
    s->ops->dispatch(s);
    assert_string_equal(get(s, STORE_META, "k"), "durable");
    assert_string_equal(st.text, ""); /* the dead do not answer */
    s->ops->close(s);
}

static void done_retry(void *ctx, int r, const struct err *e)
{
    struct story *st = ctx;
    (void)e;
    note(st, "a", r);
    store_mem_fill(st->s, false);
    struct store_batch b = {0};
    put(&b, STORE_META, "retry", "1");
    st->s->ops->commit(st->s, &b, done_c, st);
}

/* What was committed before the failure was known fails with it; what comes after does not. */
static void test_mem_full(void **state)
{
    (void)state;
    struct store *s = store_mem_open();
    struct store_batch b = {0};
    struct story st = {.s = s};
    struct err e = {0};
    store_mem_fill(s, true);
    put(&b, STORE_META, "1", "1");
    s->ops->commit(s, &b, done_retry, &st);
    put(&b, STORE_META, "2", "2");
    s->ops->commit(s, &b, done_a, &st);
    s->ops->dispatch(s);
    assert_string_equal(st.text, "a-failed a-failed ");
    s->ops->dispatch(s);
    assert_string_equal(st.text, "a-failed a-failed c ");
    assert_string_equal(each(s, STORE_META, "", 0), "retry=1 ");
    store_mem_fill(s, true);
    put(&b, STORE_META, "3", "3");
    assert_int_equal(store_commit_wait(s, &b, &e), -ERR_STORE_FULL);
    assert_int_equal(e.code, ERR_STORE_FULL);
    s->ops->close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both),
        cmocka_unit_test(test_mem_crash),
        cmocka_unit_test(test_mem_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

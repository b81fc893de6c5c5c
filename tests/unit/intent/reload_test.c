/* reload_test.c: what a start costs: 20,000 changes from the disk to an intent and a ledger.
 *
 * The store checks every page and every checksum when it opens; the changes are decoded, which
 * computes their hashes anew and compares the root; their chain is followed by hash. Signatures are
 * not verified again: they were when the changes came in, and a file that opens is what was
 * committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "intent/ledger.h"
#include "intent/store.h"
#include "test_change.h"
#include "test_dir.h"

enum { OBJECTS = 14000, EDITS = 4000, DELETES = 2000, CHANGES = OBJECTS + EDITS + DELETES };

struct loading {
    struct intent *in;
    struct ledger *l;
    change_id prev;
    uint64_t seq;
    bool in_chain;
};

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static bool load_change(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct loading *l = ctx;
    struct change *c;
    (void)key;
    if (key_n != CHANGE_KEY_BYTES || change_decode(value, value_n, &c, NULL) < 0)
        return false;
    l->in_chain = l->in_chain && c->seq == l->seq + 1 && ID_EQ(&c->prev, &l->prev);
    l->seq = c->seq;
    l->prev = c->id;
    intent_apply(l->in, c);
    change_free(c);
    return true;
}

static bool load_slot(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct loading *l = ctx;
    struct slot s;
    (void)key;
    (void)key_n;
    if (slot_decode(value, value_n, &s, NULL) < 0)
        return false;
    bool good = ledger_apply(l->l, &s, NULL) == 0;
    slot_done(&s);
    return good;
}

/* --- a history --- */

struct making {
    struct test_node n1;
    struct intent *in;
    struct ledger *l;
    struct store_batch batch;
    object_id ids[OBJECTS];
};

static void make_one(struct making *m, struct change *c)
{
    struct buf b = BUF_INIT;
    struct slot s;
    uint8_t key[CHANGE_KEY_BYTES];
    change_key(c, key);
    change_encode(c, &b);
    store_put(&m->batch, STORE_CHANGES, key, sizeof(key), b.p, b.n);
    assert_int_equal(ledger_propose(m->l, m->in, c, &s, NULL), 0);
    if (s.claims.n || s.freed.n) {
        uint8_t number[8];
        for (int i = 0; i < 8; i++)
            number[i] = (uint8_t)(s.number >> (56 - 8 * i));
        buf_clear(&b);
        slot_encode(&s, &b);
        store_put(&m->batch, STORE_SLOTS, number, sizeof(number), b.p, b.n);
        assert_int_equal(ledger_apply(m->l, &s, NULL), 0);
    }
    intent_apply(m->in, c);
    slot_done(&s);
    change_free(c);
    buf_done(&b);
}

static struct object *object_make(size_t i, bool edited)
{
    char name[24], spec[200];
    snprintf(name, sizeof(name), "v%zu", i);
    if (i % 4 == 3) {
        snprintf(spec, sizeof(spec), "{\"vlan\":\"storage\",\"ttl\":%d}", edited ? 9 : 8);
        return test_object(KIND_OVERLAY, name, "all", spec);
    }
    snprintf(spec, sizeof(spec),
        "{\"parent\":\"eth1\",\"tag\":%zu,\"address\":[\"10.%zu.%zu.1/24\"],\"mtu\":%d}",
        1 + i % 4094, i / 256 % 256, i % 256, edited ? 9000 : 1500);
    return test_object(KIND_VLAN, name, "n1", spec);
}

static void history_make(struct making *m)
{
    time_ms wall = 1700000000000;
    test_node_make(&m->n1, 1);
    m->in = intent_new();
    m->l = ledger_new();
    for (size_t i = 0; i < OBJECTS; i++) {
        struct change *c = test_create(&m->n1, wall++, object_make(i, false));
        m->ids[i] = c->ops[0].object->id;
        make_one(m, c);
    }
    for (size_t i = 0; i < EDITS; i++)
        make_one(m, test_edit(&m->n1, wall++, m->in, &m->ids[i], object_make(i, true)));
    for (size_t i = 0; i < DELETES; i++)
        make_one(m, test_delete(&m->n1, wall++, m->in, &m->ids[EDITS + i]));
}

static void compare(const struct intent *a, const struct intent *b)
{
    const struct object *o;
    assert_int_equal(intent_count(a), intent_count(b));
    for (size_t i = 0; (o = intent_each(a, -1, &i));) {
        const struct object *p = intent_get(b, &o->id);
        assert_non_null(p);
        assert_string_equal(o->name, p->name);
        assert_true(value_equal(o->spec, p->spec) && nodes_equal(&o->nodes, &p->nodes));
    }
}

static void test_reload(void **state)
{
    (void)state;
    static struct making m;
    struct loading l = {.in_chain = true};
    struct test_dir dir;
    struct store *s;
    struct store_stats st = {0};
    test_dir_make(&dir);
    history_make(&m);
    assert_int_equal(store_lmdb_open(dir.path, &s, NULL), 0);
    assert_int_equal(store_commit_wait(s, &m.batch, NULL), 0);
    s->ops->close(s);

    double t0 = milliseconds();
    assert_int_equal(store_lmdb_open(dir.path, &s, NULL), 0);
    double t1 = milliseconds();
    l.in = intent_new();
    l.l = ledger_new();
    assert_int_equal(s->ops->each(s, STORE_CHANGES, NULL, 0, load_change, &l, NULL), 0);
    double t2 = milliseconds();
    assert_int_equal(s->ops->each(s, STORE_SLOTS, NULL, 0, load_slot, &l, NULL), 0);
    double t3 = milliseconds();
    s->ops->stats(s, &st);
    print_message("%d changes, %.1f MB: open and check %.0f ms, changes %.0f ms, slots %.0f ms\n",
        CHANGES, (double)st.bytes / 1e6, t1 - t0, t2 - t1, t3 - t2);
    assert_int_equal(l.seq, CHANGES);
    assert_true(l.in_chain);
    assert_int_equal(ledger_last(l.l), ledger_last(m.l));
    assert_int_equal(intent_count(l.in), OBJECTS - DELETES);
    compare(l.in, m.in);
    compare(m.in, l.in);
    assert_true(t3 - t0 < 20000); /* no measure: what is quadratic would take minutes */
    s->ops->close(s);
    intent_free(l.in);
    ledger_free(l.l);
    intent_free(m.in);
    ledger_free(m.l);
    test_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reload)};
    return crypto_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

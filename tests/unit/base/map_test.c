/* map_test.c: the map against a plain list, over random histories. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"

static void values_are_found_by_their_key(void **state)
{
    (void)state;
    struct map m = MAP_INIT;
    int one = 1, two = 2, bytes = 3;
    assert_null(map_get_str(&m, "one"));
    assert_null(map_remove_str(&m, "one"));
    assert_null(map_set_str(&m, "one", &one));
    assert_null(map_set(&m, "a\0b", 3, &bytes));
    assert_null(map_set_str(&m, "", &two));
    assert_ptr_equal(map_get_str(&m, "one"), &one);
    assert_ptr_equal(map_get(&m, "a\0b", 3), &bytes);
    assert_null(map_get(&m, "a\0c", 3));
    assert_null(map_get_str(&m, "a"));
    assert_ptr_equal(map_get_str(&m, ""), &two);
    assert_ptr_equal(map_set_str(&m, "one", &two), &one);
    assert_int_equal(m.n, 3);
    assert_ptr_equal(map_remove_str(&m, "one"), &two);
    assert_null(map_get_str(&m, "one"));
    assert_int_equal(m.n, 2);
    map_done(&m);
    assert_int_equal(m.n, 0);
    assert_null(map_get(&m, "a\0b", 3));
}

/* The model: entries in order of insertion. */
struct model {
    struct {
        unsigned key;
        void *value;
    } v[512];
    size_t n;
};

static size_t model_find(const struct model *w, unsigned key)
{
    size_t i = 0;
    while (i < w->n && w->v[i].key != key)
        i++;
    return i;
}

static void model_check(const struct model *w, const struct map *m)
{
    size_t i = 0, n;
    const void *key;
    void *value;
    assert_int_equal(m->n, w->n);
    for (size_t c = 0; map_each(m, &c, &key, &n, &value); i++) {
        assert_int_equal(n, sizeof(unsigned));
        assert_memory_equal(key, &w->v[i].key, n);
        assert_ptr_equal(value, w->v[i].value);
    }
    assert_int_equal(i, w->n);
}

static void random_history(uint64_t seed)
{
    struct rng r;
    struct model w = {.n = 0};
    struct map m = MAP_INIT_SEEDED(seed);
    rng_seed(&r, seed);
    for (unsigned step = 0; step < 3000; step++) {
        unsigned key = (unsigned)rng_below(&r, 400);
        size_t at = model_find(&w, key);
        void *former = at < w.n ? w.v[at].value : NULL;
        void *value = (void *)(uintptr_t)(step + 1);
        if (rng_below(&r, 5) < 2) {
            assert_ptr_equal(map_remove(&m, &key, sizeof(key)), former);
            if (at < w.n)
                memmove(&w.v[at], &w.v[at + 1], (--w.n - at) * sizeof(w.v[0]));
        } else {
            assert_ptr_equal(map_set(&m, &key, sizeof(key), value), former);
            if (at == w.n)
                w.v[w.n++].key = key;
            w.v[at].value = value;
        }
        if (step % 50 == 0)
            model_check(&w, &m);
    }
    model_check(&w, &m);
    map_done(&m);
}

static void any_history_gives_what_the_model_has(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        random_history(seed);
    }
}

/* One key set and removed a million times must not fill the memory with holes. */
static void holes_are_used_again(void **state)
{
    (void)state;
    struct map m = MAP_INIT;
    for (unsigned i = 0; i < 1000000; i++) {
        map_set(&m, &i, sizeof(i), &m);
        map_remove(&m, &i, sizeof(i));
    }
    assert_int_equal(m.n, 0);
    assert_true(m.cap <= 16);
    map_done(&m);
}

static void entries_may_be_removed_while_walking(void **state)
{
    (void)state;
    struct map m = MAP_INIT;
    const void *key;
    size_t n, seen = 0;
    for (unsigned i = 0; i < 100; i++)
        map_set(&m, &i, sizeof(i), &m);
    for (size_t c = 0; map_each(&m, &c, &key, &n, NULL); seen++) {
        unsigned k;
        memcpy(&k, key, sizeof(k));
        if (k % 2)
            assert_ptr_equal(map_remove(&m, &k, sizeof(k)), &m);
    }
    assert_int_equal(seen, 100);
    assert_int_equal(m.n, 50);
    map_done(&m);
}

static void values_are_freed_with_the_map(void **state)
{
    (void)state;
    struct map m = MAP_INIT;
    map_set_str(&m, "a", mem_strdup("a"));
    map_set_str(&m, "b", mem_strdup("b"));
    free(map_remove_str(&m, "a"));
    map_done_with(&m, free); /* the sanitizer counts */
    assert_int_equal(m.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_their_key),
        cmocka_unit_test(any_history_gives_what_the_model_has),
        cmocka_unit_test(holes_are_used_again),
        cmocka_unit_test(entries_may_be_removed_while_walking),
        cmocka_unit_test(values_are_freed_with_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

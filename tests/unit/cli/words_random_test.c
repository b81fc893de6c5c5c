/* words_random_test.c: words of the tree in any order, whole and cut, are parsed, built and
 * completed without a crash, and what is refused says what and why. Seeded: KAR_SEED replays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "cli/complete.h"
#include "cli/request.h"

enum { LINES = 30000, WORDS_MAX = 12, VOCABULARY_MAX = 512, WORD_TEXT = 64 };

static char vocabulary[VOCABULARY_MAX][WORD_TEXT];
static size_t vocabulary_n;

static void learn(const char *word)
{
    if (vocabulary_n < VOCABULARY_MAX)
        snprintf(vocabulary[vocabulary_n++], WORD_TEXT, "%s", word);
}

static void learn_command(void *ctx, const struct command *c, const char *path)
{
    const struct field *f;
    char flag[FLAG_TEXT];

    (void)ctx;
    (void)path;
    learn(c->name);
    for (size_t i = 0; (f = command_field_each(c, &i));)
        learn(field_flag(f, flag));
}

static void learn_all(void)
{
    static const char *const others[] = {"--", "-", "=", "", "n1", "n1/x", "/", "//", "eth0", "110",
        "-5", "99999999999999999999", "10.0.0.1/24", "n1=10.0.0.1/24", "a=b=c", ",,,", ";", "all",
        "rack=a", "auto", "10,20-30", "/nonexistent", "\xff\xfe", "\033[2J", "vlan.tag",
        "node=,;=", "--tag=", "--=", "--no-", "--no-stp", "-oo", "-ojson", "-hwf", "30s", "1h"};

    command_walk(&command_root, learn_command, NULL);
    for (unsigned id = 0; id < O_COUNT; id++) {
        char flag[WORD_TEXT];
        snprintf(flag, sizeof(flag), "--%s", options[id].name);
        learn(flag);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        learn(others[i]);
}

static void any_words_are_understood_or_refused(void **state)
{
    const char *seed_text = getenv("KAR_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20260131;
    struct rng rng;
    size_t built = 0, refused = 0;

    (void)state;
    print_message("KAR_SEED=%llu\n", (unsigned long long)seed);
    rng_seed(&rng, seed);
    learn_all();
    for (int line = 0; line < LINES; line++) {
        char words[WORDS_MAX][WORD_TEXT];
        char *argv[WORDS_MAX + 1] = {(char[]){"karctl"}};
        const char *rest[WORDS_MAX];
        int argc = 1;
        size_t n = rng_below(&rng, WORDS_MAX / 2);
        for (size_t i = 0; i < n; i++, argc++) {
            memcpy(words[i], vocabulary[rng_below(&rng, vocabulary_n)], WORD_TEXT);
            if (rng_below(&rng, 6) == 0)
                words[i][rng_below(&rng, WORD_TEXT)] = '\0';
            if (i == 0 && rng_below(&rng, 4) > 0) /* mostly begin as a command does */
                snprintf(
                    words[i], WORD_TEXT, "%s", command_root.children[rng_below(&rng, 20)].name);
            argv[argc] = words[i];
            rest[i] = words[i];
        }
        argv[argc] = NULL;

        struct invocation in;
        struct request r = {0};
        struct err e = {0};
        int code = invocation_parse(argc, argv, &in, &e);
        refused += code < 0;
        if (code < 0) {
            assert_int_equal(e.code, ERR_USAGE);
            assert_true(*e.what);
        } else if (in.command->build && !given(&in, O_HELP) && !given(&in, O_VERSION)) {
            code = request_build(&in, stdin, &r);
            bool done = code == 0;
            assert_int_equal(done, r.errs.n == 0);
            if (done)
                assert_true(value_is(r.params, VALUE_MAP));
            built += done;
            for (size_t i = 0; i < r.errs.n; i++)
                assert_true(*r.errs.v[i].what);
        }
        request_done(&r);
        invocation_done(&in);

        struct candidates found;
        complete(rest, n, NULL, &found);
        candidates_done(&found);
    }
    print_message("%zu requests, %zu refused\n", built, refused);
    assert_true(built > LINES / 100 && refused > LINES / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_words_are_understood_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

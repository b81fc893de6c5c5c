/* fixes_test.c: the commands that refusals and warnings name are commands: each parses along the
 * tree, and each flag's value along the schema. Words in capitals stand for what the reader knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../intent/rules_cases.h"
#include "../netcfg/validate_cases.h"
#include "base/mem.h"
#include "cli/parse.h"
#include "intent/value.h"

enum { WORDS_MAX = 40 };

/* What a reader would put for a word in capitals. */
static char *filled(const char *word)
{
    static const char *const places[][2] = {{"FIRST-LAST", "9000-9099"}, {"PREFIX", "10.9.0.1/24"},
        {"NAME", "new1"}, {"NODES", "n1"}, {"NIC", "eth9"}, {"TAG", "99"}, {"OTHER", "other9"},
        {"VLAN", "vlan9"}, {"FILE", "net.yaml"}};
    const char *equals = strrchr(word, '=');
    const char *value = equals ? equals + 1 : word;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (strcmp(value, places[i][0]) == 0)
            return mem_printf("%.*s%s", (int)(value - word), word, places[i][1]);
    }
    return mem_strdup(word);
}

/* Where a command ends in a sentence. */
static size_t command_length(const char *s)
{
    static const char *const ends[] = {", ", ")", ";", " && ", " and ", " first"};
    size_t n = strlen(s);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *at = strstr(s, ends[i]);
        if (at && (size_t)(at - s) < n)
            n = (size_t)(at - s);
    }
    return n;
}

static void check_flags(const struct invocation *in, const char *command)
{
    struct value *spec = value_map();
    for (size_t i = 0; i < in->n; i++) {
        struct err e = {0};
        if (in->v[i].field && in->v[i].text &&
            schema_set_from_text(in->command->kind, spec, in->v[i].field->name, in->v[i].text, &e) <
                0)
            fail_msg("%s: %s (%s)", command, e.what, e.why);
    }
    value_free(spec);
}

static void check_command(const char *text, size_t n)
{
    char *command = mem_strndup(text, n), *rest = command, *words[WORDS_MAX + 1] = {0};
    int count = 0;
    for (char *word; (word = strsep(&rest, " ")) && count < WORDS_MAX;) {
        if (*word)
            words[count++] = filled(word);
    }
    char *whole = mem_strndup(text, n);
    struct invocation in = {0};
    struct err e = {0};
    if (invocation_parse(count, words, &in, &e) < 0)
        fail_msg("%s: %s (%s) %s", whole, e.what, e.why, e.fix);
    if (!in.command->run)
        fail_msg("%s: runs nothing", whole);
    check_flags(&in, whole);
    invocation_done(&in);
    for (int i = 0; i < count; i++)
        free(words[i]);
    free(whole);
    free(command);
}

/* Returns how many commands the text names. */
static unsigned check_fix(const char *fix_)
{
    unsigned n = 0;
    for (const char *at = fix_; (at = strstr(at, "karctl "));) {
        size_t length = command_length(at);
        check_command(at, length);
        at += length;
        n++;
    }
    return n;
}

static void every_command_that_rules_name_parses(void **state)
{
    (void)state;
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules_cases); i++) {
        for (size_t k = 0; k < SAYS_MAX && rules_cases[i].says[k].code; k++)
            n += check_fix(rules_cases[i].says[k].fix);
    }
    assert_true(n > ARRAY_LEN(rules_cases) / 2);
}

static void every_command_that_validation_names_parses(void **state)
{
    (void)state;
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(validate_cases); i++) {
        for (size_t k = 0; k < SAYS_MAX && validate_cases[i].says[k].code; k++)
            n += check_fix(validate_cases[i].says[k].fix);
    }
    assert_true(n > ARRAY_LEN(validate_cases) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_that_rules_name_parses),
        cmocka_unit_test(every_command_that_validation_names_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

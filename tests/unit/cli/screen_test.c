/* screen_test.c: tables line up, and nothing from outside steers the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/screen.h"

static char *printed(const struct table *t, bool titles, unsigned indent, bool color)
{
    char *text = NULL;
    size_t n = 0;
    struct screen s = {.f = open_memstream(&text, &n), .color = color, .utf8 = true};

    table_print(t, &s, titles, indent);
    fclose(s.f);
    return text;
}

static void columns_line_up_whatever_the_script(void **state)
{
    struct table t = TABLE_INIT;

    (void)state;
    table_add_column(&t, "NAME", false, false);
    table_add_column(&t, "TAG", true, false);
    table_add_column(&t, "REASON", false, true);
    table_add(&t, STYLE_PLAIN, "storage");
    table_add(&t, STYLE_PLAIN, "9");
    table_add(&t, STYLE_PLAIN, "");
    table_add(&t, STYLE_PLAIN, "網路");
    table_add(&t, STYLE_PLAIN, "4094");
    table_add(&t, STYLE_PLAIN, NULL);
    char *text = printed(&t, true, 0, false);
    assert_string_equal(text, "NAME      TAG\n"
                              "storage     9\n"
                              "網路     4094\n"); /* and the empty column is not there */
    free(text);

    table_add(&t, STYLE_PLAIN, "");
    table_add(&t, STYLE_PLAIN, "");
    table_add(&t, STYLE_BAD, "taken");
    text = printed(&t, true, 2, false);
    assert_string_equal(text, "  NAME      TAG  REASON\n"
                              "  storage     9  -\n"
                              "  網路     4094  -\n"
                              "  -           -  taken\n");
    free(text);
    table_done(&t);
}

/* With colour the columns stand where they stand without. */
static void colour_takes_no_room(void **state)
{
    struct table t = TABLE_INIT;

    (void)state;
    table_add_column(&t, "A", false, false);
    table_add_column(&t, "B", false, false);
    table_add(&t, STYLE_GOOD, "active");
    table_add(&t, STYLE_PLAIN, "x");
    char *text = printed(&t, false, 0, true);
    assert_string_equal(text, "\033[32mactive\033[0m  x\n");
    free(text);
    table_done(&t);
}

static void nothing_from_outside_steers_the_terminal(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"web1", "web1"}, {"Größe ✓", "Größe ✓"}, {"\033[2Jgone", "?[2Jgone"},
        {"a\nb\tc\rd", "a b c?d"}, {"\x7f\x01", "??"},
        {"\xc2\x9b"
         "31m",
            "?31m"}, /* CSI as a C1 control */
        {"\xe2\x80\xae"
         "gnp.exe",
            "?gnp.exe"},                      /* right-to-left override */
        {"\xe2\x81\xa6x\xe2\x81\xa9", "?x?"}, /* isolates */
        {"\xe2\x80", "\xe2\x80"},             /* cut off: stays, and it ends */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = mem_strdup(cases[i].in);
        text_make_printable(text);
        assert_string_equal(text, cases[i].out);
        free(text);
    }

    struct value *v = value_map();
    struct value *list = value_set(v, "na\nme", value_list());
    value_add(list, value_text("\033]0;title\007"));
    value_make_printable(v);
    assert_non_null(value_get(v, "na me"));
    assert_string_equal(list->v[0]->s, "?]0;title?");
    assert_int_equal(list->v[0]->s_n, 10);
    value_free(v);
}

/* A mark is never the only signal, and without UTF-8 it is one ASCII character. */
static void every_state_has_a_mark(void **state)
{
    static const char *const states[] = {"pending", "waiting", "applying", "active",
        "no-connectivity", "degraded", "blocked", "conflicted", "held", "failed", "contested",
        "rolled-back"};
    struct screen utf8 = {.utf8 = true}, ascii = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        assert_string_not_equal(state_mark(&utf8, states[i]), "?");
        assert_int_equal(strlen(state_mark(&ascii, states[i])), 1);
        assert_true(state_style(states[i]) != STYLE_PLAIN);
    }
    assert_string_equal(state_mark(&utf8, "of a later version"), "?");
    assert_string_equal(state_mark(&utf8, NULL), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_whatever_the_script),
        cmocka_unit_test(colour_takes_no_room),
        cmocka_unit_test(nothing_from_outside_steers_the_terminal),
        cmocka_unit_test(every_state_has_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

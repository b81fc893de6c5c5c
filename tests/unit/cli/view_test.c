/* view_test.c: given what kard answers, exactly this text.
 *
 * golden/NAME.json is an answer, golden/NAME.FORMAT.txt what karctl prints of it (and, below, the
 * count). To look at a wanted change: KAR_GOLDEN_UPDATE=1 rewrites the texts, git diff shows them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/output.h"
#include "intent/value_yaml.h"

enum { GOLDEN_MAX = 1 << 20 };

static const struct golden {
    const char *answer;
    const struct view *view;
    const char *format;
    int exit;
} goldens[] = {
    {"vlans", &view_vlans, "table", EXIT_DONE},
    {"vlans", &view_vlans, "wide", EXIT_DONE},
    {"vlans", &view_vlans, "name", EXIT_DONE},
    {"vlans", &view_vlans, "yaml", EXIT_DONE},
    {"vlans-many", &view_vlans, "table", EXIT_DONE},
    {"vlans-many", &view_vlans, "name", EXIT_DONE},
    {"vlans-none", &view_vlans, "table", EXIT_DONE},
    {"vlans-none", &view_vlans, "json", EXIT_DONE},
    {"vlans-none", &view_vlans, "yaml", EXIT_DONE},
    {"vlan", &view_object, "table", EXIT_DONE},
    {"vlan", &view_object, "name", EXIT_DONE},
    {"switches", &view_switches, "table", EXIT_DONE},
    {"switches", &view_switches, "wide", EXIT_DONE},
    {"switch", &view_object, "table", EXIT_DONE},
    {"overlays", &view_overlays, "table", EXIT_DONE},
    {"overlays", &view_overlays, "wide", EXIT_DONE},
    {"overlay", &view_object, "table", EXIT_DONE},
    {"ports", &view_ports, "table", EXIT_DONE},
    {"ports", &view_ports, "wide", EXIT_DONE},
    {"port", &view_object, "table", EXIT_DONE},
    {"ports-hostile", &view_ports, "table", EXIT_DONE},
    {"ports-hostile", &view_ports, "json", EXIT_DONE},
    {"ports-hostile", &view_ports, "yaml", EXIT_DONE},
    {"nodes", &view_nodes, "table", EXIT_DONE},
    {"nics", &view_nics, "table", EXIT_DONE},
    {"nics", &view_nics, "wide", EXIT_DONE},
    {"nic", &view_nic, "table", EXIT_DONE},
    {"plan", &view_plan, "table", EXIT_DONE},
    {"plan", &view_plan, "name", EXIT_DONE},
    {"plan", &view_plan_diff, "diff", EXIT_DIFFERS},
    {"plan-cluster", &view_plan, "table", EXIT_DONE},
    {"plan-nothing", &view_plan, "table", EXIT_DONE},
    {"plan-nothing", &view_plan_diff, "diff", EXIT_DONE},
    {"apply", &view_apply, "table", EXIT_DIFFERS},
    {"status", &view_status, "table", EXIT_DIFFERS},
    {"status-good", &view_status, "table", EXIT_DONE},
    {"status-none", &view_status, "table", EXIT_DONE},
    {"status-cluster", &view_status, "table", EXIT_DONE},
    {"status-removed", &view_status, "table", EXIT_DONE},
    {"members", &view_nodes, "table", EXIT_DONE},
    {"token", &view_token, "table", EXIT_DONE},
    {"tokens", &view_tokens, "table", EXIT_DONE},
    {"tokens", &view_tokens, "name", EXIT_DONE},
    {"token", &view_token, "name", EXIT_DONE},
    {"joined", &view_joined, "table", EXIT_DONE},
    {"joined-late", &view_joined, "table", EXIT_TIMEOUT},
    {"drift", &view_drift, "table", EXIT_DIFFERS},
    {"drift-none", &view_drift, "table", EXIT_DONE},
    {"doctor", &view_doctor, "table", EXIT_DIFFERS},
    {"conflicts", &view_conflicts, "table", EXIT_DIFFERS},
    {"history", &view_history, "table", EXIT_DONE},
    {"history", &view_history, "wide", EXIT_DONE},
    {"history", &view_history, "name", EXIT_DONE},
    {"change", &view_change, "table", EXIT_DONE},
    {"export", &view_documents, "table", EXIT_DONE},
    {"export", &view_documents, "json", EXIT_DONE},
};

static char *golden_path(const char *name)
{
    const char *here = __FILE__, *slash = strrchr(here, '/');

    return mem_printf("%.*s/golden/%s", (int)(slash - here), here, name);
}

static struct value *read_answer(const char *name)
{
    char *file = mem_printf("%s.json", name), *path = golden_path(file);
    struct buf b = BUF_INIT;
    struct value *v = NULL;
    struct err e;

    if (file_read(path, GOLDEN_MAX, &b, &e) < 0 ||
        value_from_json((const char *)b.p, b.n, &v, &e) < 0)
        fail_msg("%s: %s", path, e.what);
    buf_done(&b);
    free(file);
    free(path);
    return v;
}

/* As cli_print does it. */
static char *printed(const struct view *v, const char *format, struct value *result, bool utf8)
{
    char *text = NULL;
    size_t n = 0;
    const struct output *o = output_named(format); /* "diff" is a name of ours: a table */
    struct screen s = {.f = open_memstream(&text, &n),
        .utf8 = utf8,
        .now = INT64_C(1769860800000)}; /* 2026-01-31T12:00:00Z */

    if (o->is_for_people && !v->is_documents)
        value_make_printable(result);
    o->print(&s, v, result);
    if (o->is_for_people)
        count_print(&s, v, result);
    fclose(s.f);
    return text;
}

static void answers_look_as_they_should(void **state)
{
    size_t differing = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        const struct golden *g = &goldens[i];
        char *file = mem_printf("%s.%s.txt", g->answer, g->format), *path = golden_path(file);
        struct value *result = read_answer(g->answer);
        char *text = printed(g->view, g->format, result, true);
        struct buf want = BUF_INIT;
        struct err e;

        if (getenv("KAR_GOLDEN_UPDATE"))
            assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &e), 0);
        if (file_read(path, GOLDEN_MAX, &want, &e) < 0)
            fail_msg("%s: %s", path, e.what);
        if (strcmp(buf_cstr(&want), text) != 0) {
            print_error("%s is not\n%s\nbut\n%s\n", file, buf_cstr(&want), text);
            differing++;
        }
        assert_int_equal(g->view->exit ? g->view->exit(result) : EXIT_DONE, g->exit);
        buf_done(&want);
        free(text);
        value_free(result);
        free(path);
        free(file);
    }
    assert_int_equal(differing, 0);
}

/* JSON is exact: what kard said, every byte count, every text. */
static void json_says_what_kard_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        struct value *result = read_answer(goldens[i].answer), *back = NULL;
        char *text = printed(goldens[i].view, "json", result, true);
        const struct value *data = goldens[i].view->list ? value_get(result, goldens[i].view->list)
                                                         : result;
        assert_int_equal(value_from_json(text, strlen(text), &back, NULL), 0);
        assert_true(value_equal(back, data));
        value_free(back);
        value_free(result);
        free(text);
    }
}

/* YAML too, document by document, so that it can be edited and applied. */
static void yaml_says_what_kard_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        const struct view *view = goldens[i].view;
        struct value *result = read_answer(goldens[i].answer), *docs = NULL;
        char *text = printed(view, "yaml", result, true);
        struct yaml_lines lines = {0};
        struct err e;
        if (value_from_yaml(text, strlen(text), &docs, &lines, &e) < 0)
            fail_msg("%s: %s in\n%s", goldens[i].answer, e.what, text);
        assert_true(value_equal(
            view->list ? docs : docs->v[0], view->list ? value_get(result, view->list) : result));
        yaml_lines_done(&lines);
        value_free(docs);
        value_free(result);
        free(text);
    }
}

/* Without UTF-8 nothing but ASCII is printed where the answer has only ASCII. */
static void ascii_is_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
        struct value *result = read_answer(goldens[i].answer);
        struct buf json = BUF_INIT;
        value_to_json(result, 0, &json);
        bool plain = true;
        for (size_t k = 0; k < json.n; k++)
            plain = plain && json.p[k] < 0x80;
        char *text = printed(goldens[i].view, goldens[i].format, result, false);
        for (const char *p = text; plain && *p; p++)
            if ((unsigned char)*p >= 0x80)
                fail_msg("%s: %s", goldens[i].answer, p);
        buf_done(&json);
        free(text);
        value_free(result);
    }
}

/* An answer without anything in it, or with other types than we know, is no crash. */
static void strange_answers_are_survived(void **state)
{
    static const char *const answers[] = {"{}", "[]", "null", "7", "\"text\"",
        "{\"objects\":7,\"nics\":{},\"docs\":[7,null,{}],\"nodes\":[7,{\"objects\":[7,{}],"
        "\"operations\":[null]}],\"changes\":[[],{\"docs\":[{}]}],\"checks\":[0,{}],"
        "\"standing\":[1],\"repaired\":[{}],\"not_active\":[{},9],\"conflicts\":[{}],"
        "\"not_admitted\":[{}],\"last_change\":{},\"status\":{\"n1\":7},\"live\":{\"n1\":[]},"
        "\"kind\":\"vlan\",\"spec\":[],\"history\":[{}]}",
        "{\"objects\":[7,null,{},{\"kind\":\"vlan\"},{\"kind\":\"no\",\"status\":{\"n\":{}}},"
        "{\"kind\":\"vlan\",\"name\":\"x\",\"spec\":{\"endpoints\":[7],\"tag\":[]},"
        "\"status\":{\"n\":{\"state\":9}},\"live\":{\"n\":{\"stats\":[],\"mac_table\":7,"
        "\"ports\":{}}}}]}"};
    static const char *const formats[] = {"table", "wide", "json", "yaml", "name"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(answers); i++)
        for (size_t g = 0; g < ARRAY_LEN(goldens); g++)
            for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
                struct value *v = NULL;
                assert_int_equal(value_from_json(answers[i], strlen(answers[i]), &v, NULL), 0);
                free(printed(goldens[g].view, formats[f], v, true));
                if (goldens[g].view->exit)
                    goldens[g].view->exit(v);
                value_free(v);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_look_as_they_should),
        cmocka_unit_test(json_says_what_kard_said),
        cmocka_unit_test(yaml_says_what_kard_said),
        cmocka_unit_test(ascii_is_enough),
        cmocka_unit_test(strange_answers_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* request_test.c: a command line becomes exactly one request, or an error that says what to type.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/request.h"

enum { WORDS_MAX = 32 };

static int cut(char *line, char **argv)
{
    int argc = 0;

    for (char *w = strtok(line, " "); w && argc < WORDS_MAX - 1; w = strtok(NULL, " "))
        argv[argc++] = w;
    argv[argc] = NULL;
    return argc;
}

/* "method params" or "error code: what | fix @at". */
static char *asked_for(const char *line, const char *typed)
{
    char *argv[WORDS_MAX], *copy = mem_strdup(line), *text;
    int argc = cut(copy, argv);
    struct invocation in;
    struct request r = {0};
    struct err e = {0};
    FILE *stdin_ = fmemopen((void *)(uintptr_t)typed, strlen(typed), "r");

    int code = invocation_parse(argc, argv, &in, &e);
    if (code == 0 && request_build(&in, stdin_, &r) < 0)
        e = r.errs.v[0];
    if (e.code) {
        char place[INPUT_PLACE];
        input_place(&r.input, e.at, place);
        text = mem_printf("error %s: %s | %s%s%s", err_code_text(e.code), e.what, e.fix,
            *place ? " @" : "", place);
    } else {
        struct buf b = BUF_INIT;
        buf_printf(&b, "%s ", r.method);
        value_to_json(r.params, 0, &b);
        text = buf_take(&b);
    }
    request_done(&r);
    invocation_done(&in);
    fclose(stdin_);
    free(copy);
    return text;
}

struct request_case {
    const char *line, *request;
};

static void expect_all(const struct request_case *cases, size_t n)
{
    size_t failed = 0;

    for (size_t i = 0; i < n; i++) {
        char *text = asked_for(cases[i].line, "\n");
        if (strcmp(text, cases[i].request) != 0) {
            print_error("%s\n  is  %s\n  not %s\n", cases[i].line, text, cases[i].request);
            failed++;
        }
        free(text);
    }
    assert_int_equal(failed, 0);
}

static void reading_asks_for_what_was_named(void **state)
{
    static const struct request_case cases[] = {
        {"karctl status", "status {}"},
        {"karctl vlan list", "object.list {\"kind\":\"vlan\"}"},
        {"karctl vlan list --node n1", "object.list {\"kind\":\"vlan\",\"node\":\"n1\"}"},
        {"karctl vxlan list", "object.list {\"kind\":\"overlay\"}"},
        {"karctl vlan show storage", "object.show {\"kind\":\"vlan\",\"name\":\"storage\"}"},
        {"karctl vlan show n1/storage",
            "object.show {\"kind\":\"vlan\",\"node\":\"n1\",\"name\":\"storage\"}"},
        {"karctl vlan show storage --node n1",
            "object.show {\"kind\":\"vlan\",\"name\":\"storage\",\"node\":\"n1\"}"},
        {"karctl vlan show -- --odd", "object.show {\"kind\":\"vlan\",\"name\":\"--odd\"}"},
        {"karctl nic list", "nic.list {}"},
        {"karctl nic show eth1 --stats", "nic.show {\"name\":\"eth1\",\"stats\":true}"},
        {"karctl cluster show", "object.show {\"kind\":\"cluster\"}"},
        {"karctl init", "cluster.init {}"},
        {"karctl init --cluster lab --node n1",
            "cluster.init {\"cluster\":\"lab\",\"node\":\"n1\"}"},
        {"karctl history", "history.list {}"},
        {"karctl history --limit 5 --kind vxlan --name t1",
            "history.list {\"limit\":5,\"kind\":\"overlay\",\"name\":\"t1\"}"},
        {"karctl history show 7f3a", "history.show {\"change\":\"7f3a\"}"},
        {"karctl history diff 7f3a", "history.diff {\"from\":\"7f3a\"}"},
        {"karctl history diff 7f3a 91bb", "history.diff {\"from\":\"7f3a\",\"to\":\"91bb\"}"},
        {"karctl export --at 7f3a", "history.export {\"at\":\"7f3a\"}"},
        {"karctl watch --kind vlan --kind vxlan", "watch {\"kinds\":[\"vlan\",\"overlay\"]}"},
        {"karctl -o json vlan list", "object.list {\"kind\":\"vlan\"}"},
        {"karctl --socket /tmp/s vlan -ojson list -w", "object.list {\"kind\":\"vlan\"}"},
        {"karctl drift", "drift.list {}"},
        {"karctl conflicts", "conflicts.list {}"},
        {"karctl node remove n3 --dry-run", "node.remove {\"name\":\"n3\",\"dry_run\":true}"},
        {"karctl node remove n3 --with-admitted --force -m burnt",
            "node.remove {\"name\":\"n3\",\"with_admitted\":true,\"message\":\"burnt\","
            "\"force\":true}"},
        {"karctl node rename n3 db1", "node.rename {\"name\":\"n3\",\"to\":\"db1\"}"},
        {"karctl conflicts settle vlan n1/storage --take 91bb0d2e",
            "change.apply {\"docs\":[{\"op\":\"set\",\"kind\":\"vlan\",\"node\":\"n1\","
            "\"name\":\"storage\",\"take\":\"91bb0d2e\"}],\"timeout_ms\":30000}"},
        {"karctl switch create lan --node all --provisional",
            "change.apply {\"docs\":[{\"op\":\"create\",\"kind\":\"switch\",\"name\":\"lan\","
            "\"nodes\":\"all\",\"spec\":{}}],\"provisional\":true,\"timeout_ms\":30000}"},
        {"karctl doctor", "doctor {}"},
    };

    (void)state;
    expect_all(cases, ARRAY_LEN(cases));
}

#define APPLY "change.apply {\"docs\":[{"
#define REST "],\"timeout_ms\":30000}"

static void changing_sends_documents_made_of_flags(void **state)
{
    static const struct request_case cases[] = {
        {"karctl vlan create storage --parent eth1 --tag 110 --address 10.0.110.1/24",
            APPLY "\"op\":\"create\",\"kind\":\"vlan\",\"name\":\"storage\",\"spec\":"
                  "{\"parent\":\"eth1\",\"tag\":110,\"address\":[\"10.0.110.1/24\"]}}" REST},
        {"karctl vlan create storage --node n1,n2 --parent eth1 --tag=110 --address "
         "n1=10.0.110.1/24 --address n2=10.0.110.2/24",
            APPLY "\"op\":\"create\",\"kind\":\"vlan\",\"name\":\"storage\",\"nodes\":\"n1,n2\","
                  "\"spec\":{\"parent\":\"eth1\",\"tag\":110,\"address\":{\"n1\":[\"10.0.110.1/"
                  "24\"],\"n2\":[\"10.0.110.2/24\"]}}}" REST},
        {"karctl vlan create s --node n1 --node n2 --parent eth1 --tag 1 --no-wait",
            APPLY "\"op\":\"create\",\"kind\":\"vlan\",\"name\":\"s\",\"nodes\":\"n1,n2\","
                  "\"spec\":{\"parent\":\"eth1\",\"tag\":1}}],\"wait\":false}"},
        {"karctl vlan create n1/s --parent eth1 --tag 1",
            APPLY "\"op\":\"create\",\"kind\":\"vlan\",\"name\":\"s\",\"nodes\":\"n1\",\"spec\":{"
                  "\"parent\":\"eth1\",\"tag\":1}}" REST},
        {"karctl switch set br0 --stp --stp-priority 4096 --no-vlan-filtering",
            APPLY "\"op\":\"set\",\"kind\":\"switch\",\"name\":\"br0\",\"spec\":{\"stp\":true,"
                  "\"stp_priority\":4096,\"vlan_filtering\":false}}" REST},
        {"karctl switch set br0 --stp=false --unset uplink --nodes all",
            APPLY "\"op\":\"set\",\"kind\":\"switch\",\"name\":\"br0\",\"nodes\":\"all\","
                  "\"spec\":{\"stp\":false,\"uplink\":null}}" REST},
        {"karctl switch set n2/br0 --nodes all",
            APPLY "\"op\":\"set\",\"kind\":\"switch\",\"node\":\"n2\",\"name\":\"br0\","
                  "\"nodes\":\"all\",\"spec\":{}}" REST},
        {"karctl switch set br0 --stp_priority 1",
            APPLY "\"op\":\"set\",\"kind\":\"switch\",\"name\":\"br0\",\"spec\":{\"stp_priority\":"
                  "1}}" REST},
        {"karctl overlay create t --vni 5001 --endpoint node=n1,vlan=storage --endpoint "
         "address=10.0.0.9",
            APPLY "\"op\":\"create\",\"kind\":\"overlay\",\"name\":\"t\",\"spec\":{\"vni\":5001,"
                  "\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"storage\"},{\"address\":\"10.0.0.9\""
                  "}]}}" REST},
        {"karctl node set n1 --label rack=a --label row=7 --role uplink=eno1",
            APPLY "\"op\":\"set\",\"kind\":\"node\",\"name\":\"n1\",\"spec\":{\"labels\":{\"rack\":"
                  "\"a\",\"row\":\"7\"},\"roles\":{\"uplink\":\"eno1\"}}}" REST},
        {"karctl nic set eth1 --unset mtu --message back",
            APPLY "\"op\":\"set\",\"kind\":\"nic\",\"name\":\"eth1\",\"spec\":{\"mtu\":null}}],"
                  "\"message\":\"back\",\"timeout_ms\":30000}"},
        {"karctl cluster set --switches-per-node-max 200",
            APPLY "\"op\":\"set\",\"kind\":\"cluster\",\"spec\":{\"switches_per_node_max\":200}"
                  "}" REST},
        {"karctl vlan delete a n2/b -y --force --timeout 1m30s",
            APPLY "\"op\":\"delete\",\"kind\":\"vlan\",\"name\":\"a\"},{\"op\":\"delete\","
                  "\"kind\":\"vlan\",\"node\":\"n2\",\"name\":\"b\"}],\"yes\":true,\"force\":true,"
                  "\"timeout_ms\":90000}"},
        {"karctl undo 7f3a -m oops",
            "change.undo {\"change\":\"7f3a\",\"message\":\"oops\",\"timeout_ms\":30000}"},
    };

    (void)state;
    expect_all(cases, ARRAY_LEN(cases));
}

static void mistakes_are_told_with_what_to_type(void **state)
{
    static const struct request_case cases[] = {
        {"karctl", "error usage: karctl needs a command | karctl --help"},
        {"karctl vlan", "error usage: karctl vlan needs a command | karctl vlan --help"},
        {"karctl vlna list", "error usage: karctl has no command vlna | did you mean: karctl vlan"},
        {"karctl vlan lst",
            "error usage: karctl vlan has no command lst | did you mean: karctl vlan list"},
        {"karctl frobnicate", "error usage: karctl has no command frobnicate | karctl --help"},
        {"karctl nic create eth1",
            "error usage: karctl nic has no command create | karctl nic --help"},
        {"karctl vlan show",
            "error usage: karctl vlan show needs a NAME | karctl vlan show --help"},
        {"karctl vlan show a b",
            "error usage: karctl vlan show does not know what to do with b | karctl vlan show "
            "--help"},
        {"karctl vlan create s --parnet eth1",
            "error usage: karctl vlan create has no option --parnet | did you mean: --parent"},
        {"karctl vlan list --tag 5",
            "error usage: karctl vlan list has no option --tag | karctl vlan list --help"},
        {"karctl -w vlan show s",
            "error usage: karctl vlan show has no option --watch | karctl vlan show --help"},
        {"karctl vlan list -x",
            "error usage: karctl vlan list has no option -x | karctl vlan list --help"},
        {"karctl vlan create s --tag", "error usage: --tag needs a value | --tag N"},
        {"karctl vlan list -o", "error usage: --output needs a value | --output FORMAT"},
        {"karctl vlan list -o jason",
            "error usage: --output cannot be jason | did you mean: --output json"},
        {"karctl vlan list --watch=yes", "error usage: --watch takes no value | use --watch alone"},
        {"karctl switch set br0 --no-stp=true",
            "error usage: --no-stp takes no value | use --no-stp alone, or --stp=true"},
        {"karctl switch set br0 --stp true",
            "error usage: karctl switch set does not know what to do with true | a yes-or-no "
            "option takes its value after =, as in --stp=false"},
        {"karctl switch set br0",
            "error usage: karctl switch set was not told what to set | karctl switch set --help "
            "shows its fields"},
        {"karctl apply",
            "error usage: karctl apply needs a file | karctl apply -f net.yaml, or -f - for "
            "standard input"},
        {"karctl apply -f x --timeout 5parsecs",
            "error usage: --timeout cannot be 5parsecs | --timeout 30s, 1m30s or 500ms"},
        {"karctl apply -f x --timeout 2h", "error usage: --timeout cannot be 2h | "},
        {"karctl history --limit many", "error usage: --limit cannot be many | --limit 20"},
        {"karctl history --limit 99999999999",
            "error usage: --limit cannot be 99999999999 | --limit 20"},
        {"karctl switch set br0 --unset colour",
            "error field-unknown: a switch has no field colour | karctl explain switch @--unset"},
        {"karctl vlan list --color sometimes", "error usage: --color cannot be sometimes | "},
    };

    (void)state;
    expect_all(cases, ARRAY_LEN(cases));
}

/* The schema's own words, with the flag as the place; all flags of a line at once. */
static void bad_fields_are_told_by_the_schema(void **state)
{
    char line[] = "karctl vlan create s --parent eth1 --tag 5000 --gateway nowhere";
    char *argv[WORDS_MAX];
    int argc = cut(line, argv);
    struct invocation in;
    struct request r;
    struct err e;

    (void)state;
    assert_int_equal(invocation_parse(argc, argv, &in, &e), 0);
    assert_int_equal(request_build(&in, stdin, &r), -ERR_FIELD_RANGE);
    assert_int_equal(r.errs.n, 2);
    assert_int_equal(r.errs.v[0].code, ERR_FIELD_RANGE);
    assert_string_equal(r.errs.v[0].at, "--tag");
    assert_int_equal(r.errs.v[1].code, ERR_FIELD_TYPE);
    assert_string_equal(r.errs.v[1].at, "--gateway");
    request_done(&r);
    invocation_done(&in);
}

/* --- files ----------------------------------------------------------------------------------- */

static char *write_file(const char *text)
{
    char *path = mem_strdup("/tmp/kar-request-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void files_become_documents_that_know_their_lines(void **state)
{
    char *yaml = write_file("kind: vlan\n"
                            "name: storage\n"
                            "spec:\n"
                            "  parent: eth1\n"
                            "  tag: 5000\n"
                            "---\n"
                            "---\n"
                            "kind: switch\n"
                            "name: br0\n"
                            "spec: {uplink: storage}\n");
    char *json = write_file("[{\"kind\": \"port\", \"name\": \"p1\", \"id\": \"00\",\n"
                            "  \"rev\": \"aa\", \"status\": {},\n"
                            "  \"spec\": {\"switch\": \"br0\",\n"
                            "           \"vlan\": 9}}]\n");
    char line[256], place[INPUT_PLACE], want[INPUT_PLACE];
    char *argv[WORDS_MAX];
    struct invocation in;
    struct request r;
    struct err e;
    struct buf b = BUF_INIT;

    (void)state;
    snprintf(line, sizeof(line), "karctl apply -f %s -f %s -m why", yaml, json);
    int argc = cut(line, argv);
    assert_int_equal(invocation_parse(argc, argv, &in, &e), 0);
    assert_int_equal(request_build(&in, stdin, &r), 0);
    value_to_json(r.params, 0, &b);
    assert_string_equal(buf_cstr(&b),
        "{\"docs\":[{\"op\":\"put\",\"kind\":\"vlan\",\"name\":\"storage\",\"spec\":{\"parent\":"
        "\"eth1\",\"tag\":5000}},{\"op\":\"put\",\"kind\":\"switch\",\"name\":\"br0\",\"spec\":{"
        "\"uplink\":\"storage\"}},{\"op\":\"put\",\"kind\":\"port\",\"name\":\"p1\",\"rev\":\"aa\","
        "\"spec\":{\"switch\":\"br0\",\"vlan\":9}}],\"message\":\"why\",\"timeout_ms\":30000}");
    buf_done(&b);

    snprintf(want, sizeof(want), "%s:5 (spec.tag)", yaml);
    assert_string_equal(input_place(&r.input, "/docs/0/spec/tag", place), want);
    snprintf(want, sizeof(want), "%s:10 (spec.uplink)", yaml);
    assert_string_equal(input_place(&r.input, "/docs/1/spec/uplink", place), want);
    snprintf(want, sizeof(want), "%s:4 (spec.vlan)", json);
    assert_string_equal(input_place(&r.input, "/docs/2/spec/vlan", place), want);
    snprintf(want, sizeof(want), "%s:1", yaml);
    assert_string_equal(input_place(&r.input, "/docs/0", place), want);
    /* what points nowhere says nothing, and never reads beyond */
    static const char *const nowhere[] = {"/docs/3/spec", "/docs/", "/docs/x", "/docs/0x",
        "/docs/-1", "/docs/99999999999999999999", "/message", ""};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
        assert_string_equal(input_place(&r.input, nowhere[i], place), "");

    request_done(&r);
    invocation_done(&in);
    unlink(yaml);
    unlink(json);
    free(yaml);
    free(json);
}

static void files_that_are_no_documents_are_refused(void **state)
{
    static const struct {
        const char *typed, *said; /* on standard input */
    } cases[] = {
        {"", "error syntax: there is no object in the file | karctl explain shows what there can "
             "be @standard input"},
        {"---\n---\n", "error syntax: there is no object in the file | karctl explain shows what "
                       "there can be @standard input"},
        {"kind: vlan\n---\njust text\n", "error syntax: a document is not an object | karctl "
                                         "explain vlan shows one @standard input:3"},
        {"- kind: vlan\n- 7\n", "error syntax: a document is not an object | karctl explain vlan "
                                "shows one @standard input:2"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = asked_for("karctl apply -f -", *cases[i].typed ? cases[i].typed : "\n");
        assert_string_equal(text, cases[i].said);
        free(text);
    }

    char *text = asked_for("karctl apply -f /nonexistent/net.yaml", "\n");
    assert_non_null(strstr(text, "error not-found: "));
    assert_non_null(strstr(text, "/nonexistent/net.yaml"));
    free(text);
    text = asked_for("karctl apply -f /tmp", "\n");
    assert_string_equal(
        text, "error usage: /tmp is a directory | name each file: -f /tmp/a.yaml -f /tmp/b.yaml");
    free(text);
    text = asked_for("karctl apply -f -", "kind: [\n");
    assert_non_null(strstr(text, "error syntax: "));
    assert_non_null(strstr(text, "@standard input"));
    free(text);

    /* an absolute path is a place too, no pointer */
    char *path = write_file("kind: [\n"), *line = mem_printf("karctl apply -f %s", path);
    text = asked_for(line, "\n");
    assert_string_equal(strchr(text, '@') + 1, path);
    unlink(path);
    free(path);
    free(line);
    free(text);
}

/* A flag's place is the flag. */
static void typed_documents_point_to_their_flags(void **state)
{
    char line[] = "karctl vlan create s --parent eth1 --tag 110 --node n9";
    char *argv[WORDS_MAX], place[INPUT_PLACE];
    int argc = cut(line, argv);
    struct invocation in;
    struct request r;
    struct err e;

    (void)state;
    assert_int_equal(invocation_parse(argc, argv, &in, &e), 0);
    assert_int_equal(request_build(&in, stdin, &r), 0);
    assert_string_equal(input_place(&r.input, "/docs/0/spec/tag", place), "--tag");
    assert_string_equal(input_place(&r.input, "/docs/0/spec/address/n1", place), "--address");
    assert_string_equal(input_place(&r.input, "/docs/0/spec/ageing_s", place), "--ageing-s");
    assert_string_equal(input_place(&r.input, "/docs/0/name", place), "NAME");
    assert_string_equal(input_place(&r.input, "/docs/0/nodes/0", place), "--node");
    assert_string_equal(input_place(&r.input, "--tag", place), "--tag");
    request_done(&r);
    invocation_done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_asks_for_what_was_named),
        cmocka_unit_test(changing_sends_documents_made_of_flags),
        cmocka_unit_test(mistakes_are_told_with_what_to_type),
        cmocka_unit_test(bad_fields_are_told_by_the_schema),
        cmocka_unit_test(files_become_documents_that_know_their_lines),
        cmocka_unit_test(files_that_are_no_documents_are_refused),
        cmocka_unit_test(typed_documents_point_to_their_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

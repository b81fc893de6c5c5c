/* run_test.c: whole command lines against somebody who answers as kard would: what is asked, what
 * is said on which stream, and how karctl ends. */
#include "fake_kard.h"

/* --- nobody there, no right to --------------------------------------------------------------- */

static void a_missing_agent_is_told_with_what_starts_it(void **state)
{
    struct run_around around = {.socket = "/nonexistent/kard.sock"};
    struct run r = run_line(&around, "karctl status");

    (void)state;
    assert_int_equal(r.code, EXIT_UNREACHABLE);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err,
        "error: kard is not running\n"
        "  why: there is no socket /nonexistent/kard.sock\n"
        "  fix: systemctl start kard, or name another agent with --socket\n");
    run_done(&r);

    r = run_line(&around, "karctl status -o json");
    assert_int_equal(r.code, EXIT_UNREACHABLE);
    struct value *v = NULL;
    assert_int_equal(value_from_json(r.err, strlen(r.err), &v, NULL), 0);
    assert_string_equal(value_get_text(value_get(v, "error"), "code"), "unreachable");
    value_free(v);
    run_done(&r);
}

static void a_dead_agents_socket_is_told_from_none(void **state)
{
    struct fake_kard k;
    struct run_around around = {.socket = k.path};

    (void)state;
    fake_start(&k, NULL);
    shutdown(k.listener, SHUT_RDWR);
    close(k.listener); /* the file stays, as after a SIGKILL */
    struct run r = run_line(&around, "karctl vlan list");
    assert_int_equal(r.code, EXIT_UNREACHABLE);
    assert_non_null(strstr(r.err, "nobody listens on"));
    run_done(&r);
    k.listener = -1;
    fake_stop(&k);
}

static void who_may_not_is_told_which_group_may(void **state)
{
    static const struct fake_answer script[] = {
        {"status",
            {"{\"id\":null,\"error\":{\"code\":\"denied\",\"what\":\"you may not speak to kard\","
             "\"why\":\"uid 1000 is not in group kard\",\"fix\":\"sudo usermod -aG kard "
             "eva\",\"at\":\"\"}}"}},
        {NULL},
    };
    struct fake_kard k;

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&(struct run_around){.socket = k.path}, "karctl status");
    assert_int_equal(r.code, EXIT_DENIED);
    assert_string_equal(r.err, "error: you may not speak to kard\n"
                               "  why: uid 1000 is not in group kard\n"
                               "  fix: sudo usermod -aG kard eva\n");
    run_done(&r);
    fake_stop(&k);
}

/* --- reading --------------------------------------------------------------------------------- */

static void data_goes_out_and_messages_beside(void **state)
{
    static const struct fake_answer script[] = {
        {"object.list",
            {"{\"id\":@,\"result\":{\"objects\":[{\"kind\":\"vlan\",\"name\":\"storage\",\"nodes\":"
             "[\"n1\"],\"spec\":{\"parent\":\"eth1\",\"tag\":110},\"status\":{\"n1\":{\"state\":"
             "\"active\"}}}]}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {.socket = k.path};

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&around, "karctl vlan list");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "NAME     NODE  PARENT  TAG  ADDRESS  MTU  STATUS\n"
                               "storage  n1    eth1    110  -          -  active\n");
    assert_string_equal(r.err, "");
    run_done(&r);
    around.terminal = true;
    r = run_line(&around, "karctl vlan list");
    assert_string_equal(r.err, "1 vlan: 1 active\n");
    run_done(&r);
    around.terminal = false;
    r = run_line(&around, "karctl vlan list -o name --color always");
    assert_string_equal(r.out, "storage\n");
    assert_string_equal(r.err, "");
    run_done(&r);
    r = run_line(&around, "karctl vlan list --color always");
    assert_non_null(strstr(r.out, "\033[32mactive\033[0m"));
    run_done(&r);
    fake_stop(&k);
}

static void the_cluster_needs_no_name(void **state)
{
    static const struct fake_answer script[] = {
        {"agent.info", {"{\"id\":@,\"result\":{\"cluster\":{\"name\":\"lab\"}}}"}},
        {"object.show", {"{\"id\":@,\"result\":{\"kind\":\"cluster\",\"name\":\"lab\"}}"}},
        {"change.apply", {"{\"id\":@,\"result\":{\"change\":null,\"nodes\":[],\"docs\":[]}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {.socket = k.path};

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&around, "karctl cluster show -o name");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "lab\n");
    run_done(&r);
    r = run_line(&around, "karctl cluster set --vlan-tags-unique parent");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "nothing to change\n");
    run_done(&r);
    assert_string_equal(fake_asked(&k),
        "agent.info {}\n"
        "object.show {\"kind\":\"cluster\",\"name\":\"lab\"}\n"
        "agent.info {}\n"
        "change.apply {\"docs\":[{\"op\":\"set\",\"kind\":\"cluster\",\"spec\":{\"vlan_tags_"
        "unique\":\"parent\"},\"name\":\"lab\"}],\"timeout_ms\":30000,\"progress\":true}\n");
    fake_stop(&k);
}

static void without_a_cluster_the_fix_is_init(void **state)
{
    static const struct fake_answer script[] = {
        {"agent.info", {"{\"id\":@,\"result\":{\"cluster\":null}}"}},
        {NULL},
    };
    struct fake_kard k;

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&(struct run_around){.socket = k.path}, "karctl cluster show");
    assert_int_equal(r.code, EXIT_NOT_FOUND);
    assert_non_null(strstr(r.err, "fix: found one: karctl init --cluster NAME\n"));
    run_done(&r);
    fake_stop(&k);
}

/* --- changing -------------------------------------------------------------------------------- */

#define PLAN                                                                                 \
    "{\"id\":@,\"event\":{\"type\":\"plan\",\"plan\":\"7f3a\",\"docs\":[{\"kind\":\"vlan\"," \
    "\"name\":\"storage\",\"action\":\"create\"},{\"kind\":\"switch\",\"name\":\"br0\","     \
    "\"action\":\"create\"}],\"nodes\":[{\"node\":\"n1\",\"operations\":[" OP(               \
        "vlan", "storage") "," OP("switch",                                                  \
        "br0") "]},{\"node\":\"n2\",\"operations\":[" OP("switch", "br0") "," OP("switch",   \
        "br0") "]},{\"node\":\"n3\",\"operations\":[" OP("vlan", "storage") "]}]}}"
#define OP(kind, name) "{\"kind\":\"" kind "\",\"name\":\"" name "\",\"text\":\"…\"}"
#define IS(node, kind, name, state, ms)                                                 \
    "{\"id\":@,\"event\":{\"type\":\"progress\",\"node\":\"" node "\",\"kind\":\"" kind \
    "\",\"name\":\"" name "\",\"state\":\"" state "\",\"elapsed_ms\":" ms "}}"
#define RESULT                                                                                    \
    "{\"id\":@,\"result\":{\"change\":\"7f3a12c0aabb\",\"plan\":\"7f3a\",\"docs\":[],\"nodes\":[" \
    "{\"node\":\"n1\",\"state\":\"active\",\"elapsed_ms\":41},{\"node\":\"n2\",\"state\":"        \
    "\"active\",\"elapsed_ms\":52},{\"node\":\"n3\",\"state\":\"waiting\",\"reason\":{\"what\":"  \
    "\"unreachable for 6s, will apply when it returns\"},\"objects\":[]}],\"timed_out\":false}}"

/* The sample of design §7. */
static void apply_shows_each_node_as_it_finishes(void **state)
{
    static const struct fake_answer script[] = {
        {"change.apply", {PLAN, IS("n1", "vlan", "storage", "pending", "9"),
                             IS("n1", "switch", "br0", "waiting", "9"),
                             IS("n1", "vlan", "storage", "active", "20"),
                             IS("n1", "switch", "br0", "active", "41"),
                             IS("n2", "switch", "br0", "applying", "30"),
                             IS("n2", "switch", "br0", "active", "52"), RESULT}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {
        .socket = k.path, .typed = "kind: vlan\nname: storage\nspec: {parent: eth1, tag: 110}\n"};

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&around, "karctl apply -f -");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "plan 7f3a  +1 vlan +1 switch   3 nodes, 5 operations\n"
                               " n1 ✓ active  0.04s\n"
                               " n2 ✓ active  0.05s\n"
                               " n3 ! waiting: unreachable for 6s, will apply when it returns\n");
    assert_string_equal(r.err, "");
    run_done(&r);

    /* on a terminal the lines change in place, and end as the same text */
    around.terminal = true;
    r = run_line(&around, "karctl apply -f -");
    assert_int_equal(r.code, EXIT_DONE);
    assert_non_null(strstr(r.out, " n1 … applying\n n2 … applying\n n3 … applying\n\033[3A\r\033[J"
                                  " n1 ✓ active  0.04s\n n2 … applying\n"));
    assert_non_null(strstr(r.out, "\033[3A\r\033[J n1 ✓ active  0.04s\n n2 ✓ active  0.05s\n"
                                  " n3 ! waiting: unreachable for 6s, will apply when it "
                                  "returns\n"));
    assert_string_equal(r.err, "to take it back: karctl undo 7f3a12c0\n");
    run_done(&r);

    /* on one that cannot draw in place, as without */
    around.dumb = true;
    r = run_line(&around, "karctl apply -f -");
    assert_null(strstr(r.out, "\033"));
    assert_null(strstr(r.out, "applying"));
    run_done(&r);

    /* without UTF-8 */
    r = run_line(&(struct run_around){.socket = k.path, .typed = around.typed, .ascii = true},
        "karctl apply -f -");
    assert_non_null(strstr(r.out, " n1 + active  0.04s\n"));
    run_done(&r);

    /* for programs: the answer and nothing else; progress is not even asked for */
    r = run_line(&(struct run_around){.socket = k.path, .typed = around.typed},
        "karctl apply -f - -o json --no-wait");
    struct value *v = NULL;
    assert_int_equal(value_from_json(r.out, strlen(r.out), &v, NULL), 0);
    assert_string_equal(value_get_text(v, "change"), "7f3a12c0aabb");
    value_free(v);
    run_done(&r);
    assert_non_null(strstr(fake_asked(&k), "\"wait\":false}\n"));
    fake_stop(&k);
}

static void how_apply_ends_follows_the_states(void **state)
{
    static const struct {
        const char *node_state, *rest;
        int code;
    } cases[] = {
        {"active", "", EXIT_DONE},
        {"pending", "", EXIT_DONE},
        {"waiting", "", EXIT_DONE},
        {"applying", "", EXIT_DONE},
        {"no-connectivity", "", EXIT_DONE},
        {"blocked", "", EXIT_DIFFERS},
        {"failed", "", EXIT_DIFFERS},
        {"rolled-back", "", EXIT_DIFFERS},
        {"conflicted", "", EXIT_DIFFERS},
        {"applying", ",\"timed_out\":true", EXIT_TIMEOUT},
        {"failed", ",\"timed_out\":true", EXIT_DIFFERS},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *answer = mem_printf("{\"id\":@,\"result\":{\"change\":\"7f3a12c0\",\"plan\":\"7f3a\","
                                  "\"docs\":[],\"nodes\":[{\"node\":\"n1\",\"state\":\"%s\"}]%s}}",
            cases[i].node_state, cases[i].rest);
        struct fake_answer script[] = {{"change.undo", {answer}}, {NULL}};
        struct fake_kard k;
        fake_start(&k, script);
        struct run r = run_line(
            &(struct run_around){.socket = k.path}, "karctl undo 7f3a --timeout 2s");
        if (r.code != cases[i].code)
            fail_msg("%s%s: %d", cases[i].node_state, cases[i].rest, r.code);
        if (*cases[i].rest)
            assert_non_null(strstr(r.err, "not finished after 2 s; kard goes on by itself"));
        run_done(&r);
        fake_stop(&k);
        free(answer);
    }
}

/* --- warnings -------------------------------------------------------------------------------- */

static const struct fake_answer warning_script[] = {
    {"change.apply",
        {"{\"id\":@,\"error\":{\"code\":\"confirm-needed\",\"what\":\"this needs a yes\",\"why\":"
         "\"\",\"fix\":\"\",\"at\":\"\",\"warnings\":[{\"code\":\"in-use\",\"what\":\"deleting "
         "vlan "
         "storage isolates switch br0 and VM web1\",\"why\":\"br0 has it as uplink\",\"fix\":"
         "\"\",\"at\":\"\"}]}}"}},
    {"change.apply",
        {"{\"id\":@,\"result\":{\"change\":\"7f3a12c0\",\"plan\":\"7f3a\",\"docs\":[{\"kind\":"
         "\"vlan\",\"name\":\"storage\",\"action\":\"delete\"}],\"nodes\":[{\"node\":\"n1\","
         "\"state\":\"active\",\"elapsed_ms\":9}]}}"}},
    {NULL},
};

#define WARNED                                                         \
    "warning: deleting vlan storage isolates switch br0 and VM web1\n" \
    "  why: br0 has it as uplink\n"

static void without_a_terminal_a_warning_needs_yes(void **state)
{
    struct fake_kard k;

    (void)state;
    fake_start(&k, warning_script);
    struct run r = run_line(
        &(struct run_around){.socket = k.path, .typed = "y\n"}, "karctl vlan delete storage");
    assert_int_equal(r.code, EXIT_REJECTED);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, WARNED "error: not confirmed, nothing was changed\n"
                                      "  why: 1 warning above\n"
                                      "  fix: add --yes to accept it\n");
    run_done(&r);
    assert_null(strstr(fake_asked(&k), "\"yes\":true"));
    fake_stop(&k);

    fake_start(&k, warning_script);
    r = run_line(&(struct run_around){.socket = k.path}, "karctl vlan delete storage -o json");
    assert_int_equal(r.code, EXIT_REJECTED);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, "\"code\": \"confirm-needed\""));
    assert_non_null(strstr(r.err, "isolates switch br0")); /* the warnings are not lost */
    run_done(&r);
    fake_stop(&k);
}

static void on_a_terminal_a_warning_is_asked_back(void **state)
{
    static const struct {
        const char *typed;
        int code;
    } cases[] = {{"y\n", EXIT_DONE}, {"yes\n", EXIT_DONE}, {"n\n", EXIT_REJECTED},
        {"\n", EXIT_REJECTED}, {"yikes\n", EXIT_REJECTED}, {"y", EXIT_REJECTED}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fake_kard k;
        fake_start(&k, warning_script);
        struct run r = run_line(
            &(struct run_around){.socket = k.path, .typed = cases[i].typed, .terminal = true},
            "karctl vlan delete storage");
        bool accepted = cases[i].code == EXIT_DONE;
        assert_int_equal(r.code, cases[i].code);
        assert_non_null(strstr(r.err, WARNED "continue? [y/N] "));
        assert_int_equal(strstr(fake_asked(&k), "\"yes\":true") != NULL, accepted);
        assert_int_equal(strstr(r.err, "nothing was changed\n") != NULL, !accepted);
        assert_string_equal(r.out,
            accepted ? "plan 7f3a  -1 vlan   1 node, 0 operations\n n1 ✓ active  9ms\n" : "");
        run_done(&r);
        fake_stop(&k);
    }
}

/* --- refusals -------------------------------------------------------------------------------- */

static void all_errors_of_a_file_come_at_once_with_their_lines(void **state)
{
    static const struct fake_answer script[] = {
        {"change.apply",
            {"{\"id\":@,\"error\":{\"code\":\"vlan-tag-taken\",\"what\":\"VLAN tag 110 on eth1 is "
             "taken\",\"why\":\"n1/backup holds it\",\"fix\":\"choose another tag, or: karctl vlan "
             "delete backup\",\"at\":\"/docs/0/spec/tag\",\"errors\":[{\"code\":\"vlan-tag-taken\","
             "\"what\":\"VLAN tag 110 on eth1 is taken\",\"why\":\"n1/backup holds it\",\"fix\":"
             "\"choose another tag, or: karctl vlan delete backup\",\"at\":\"/docs/0/spec/tag\"},"
             "{\"code\":\"ref-unknown\",\"what\":\"there is no nic or vlan nowhere\",\"why\":\"\","
             "\"fix\":\"karctl nic list\",\"at\":\"/docs/1/spec/uplink\"}]}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {.socket = k.path,
        .typed = "kind: vlan\nname: storage\nspec:\n  parent: eth1\n  tag: 110\n---\nkind: switch\n"
                 "name: br0\nspec:\n  uplink: nowhere\n"};

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&around, "karctl apply -f -");
    assert_int_equal(r.code, EXIT_REJECTED);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, "error: VLAN tag 110 on eth1 is taken\n"
                               "  at: standard input:5 (spec.tag)\n"
                               "  why: n1/backup holds it\n"
                               "  fix: choose another tag, or: karctl vlan delete backup\n"
                               "error: there is no nic or vlan nowhere\n"
                               "  at: standard input:10 (spec.uplink)\n"
                               "  fix: karctl nic list\n"
                               "2 errors\n"
                               "nothing was changed\n");
    run_done(&r);

    r = run_line(&(struct run_around){.socket = k.path},
        "karctl vlan create storage --parent eth1 --tag 110");
    assert_int_equal(r.code, EXIT_REJECTED);
    assert_non_null(strstr(r.err, "error: VLAN tag 110 on eth1 is taken\n  at: --tag\n"));
    run_done(&r);

    r = run_line(&around, "karctl apply -f - -o json");
    struct value *v = NULL;
    assert_int_equal(value_from_json(r.err, strlen(r.err), &v, NULL), 0);
    const struct value *error = value_get(v, "error");
    assert_string_equal(value_get_text(error, "at"), "/docs/0/spec/tag");
    assert_string_equal(value_get_text(error, "where"), "standard input:5 (spec.tag)");
    assert_int_equal(value_get(error, "errors")->n, 2);
    value_free(v);
    run_done(&r);
    fake_stop(&k);
}

/* Each error's exit code is its row's in err.h. */
static void errors_end_with_their_code(void **state)
{
#define X(name, text, exit) {text, exit},
    static const struct {
        const char *code;
        int exit;
    } rows[] = {ERR_LIST(X){"of-a-later-version", EXIT_DIFFERS}};
#undef X

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *answer = mem_printf(
            "{\"id\":@,\"error\":{\"code\":\"%s\",\"what\":\"no\"}}", rows[i].code);
        struct fake_answer script[] = {{"history.show", {answer}}, {NULL}};
        struct fake_kard k;
        fake_start(&k, script);
        struct run r = run_line(&(struct run_around){.socket = k.path}, "karctl history show 7f3a");
        if (r.code != rows[i].exit)
            fail_msg("%s: %d", rows[i].code, r.code);
        assert_string_equal(r.err, "error: no\n");
        run_done(&r);
        fake_stop(&k);
        free(answer);
    }
}

/* --- dry run --------------------------------------------------------------------------------- */

static void a_dry_run_asks_for_the_plan_only(void **state)
{
    static const struct fake_answer script[] = {
        {"change.plan",
            {"{\"id\":@,\"result\":{\"plan\":\"7f3a\",\"docs\":[{\"kind\":\"switch\",\"name\":"
             "\"br0\",\"action\":\"create\",\"changes\":[{\"field\":\"spec.uplink\",\"to\":"
             "\"storage\"}]}],\"nodes\":[{\"node\":\"n1\",\"operations\":[{\"text\":\"create "
             "bridge "
             "br0\",\"reason\":\"switch br0 is wanted\"}]}],\"warnings\":[]}}"}},
        {"change.undo", {"{\"id\":@,\"result\":{\"plan\":\"0000\",\"docs\":[],\"nodes\":[]}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {.socket = k.path};

    (void)state;
    fake_start(&k, script);
    struct run r = run_line(&around, "karctl switch create br0 --uplink storage --dry-run");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "plan 7f3a  +1 switch   1 node, 1 operation\n"
                               "  + switch br0\n"
                               "      uplink: storage\n"
                               "\n"
                               " n1  1 operation\n"
                               "   1 create bridge br0  (switch br0 is wanted)\n");
    run_done(&r);
    r = run_line(&around, "karctl undo 7f3a --dry-run");
    assert_int_equal(r.code, EXIT_DONE);
    run_done(&r);
    assert_string_equal(fake_asked(&k),
        "change.plan {\"docs\":[{\"op\":\"create\",\"kind\":\"switch\",\"name\":\"br0\",\"spec\":{"
        "\"uplink\":\"storage\"}}]}\n"
        "change.undo {\"change\":\"7f3a\",\"dry_run\":true}\n");
    fake_stop(&k);
}

/* --- watching -------------------------------------------------------------------------------- */

static void watch_prints_events_until_kard_goes(void **state)
{
    static const struct fake_answer script[] = {
        {"watch",
            {"{\"id\":@,\"event\":{\"type\":\"watching\"}}",
                "{\"id\":@,\"event\":{\"type\":\"object\",\"at\":\"2026-01-31T12:00:00.000Z\","
                "\"kind\":\"vlan\",\"name\":\"storage\",\"node\":\"n1\",\"state\":\"active\"}}",
                "{\"id\":@,\"event\":{\"type\":\"drift\",\"at\":\"2026-01-31T12:00:01.000Z\","
                "\"kind\":\"vlan\",\"name\":\"storage\",\"node\":\"n1\",\"text\":\"was deleted\","
                "\"standing\":false}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run_around around = {.socket = k.path};

    (void)state;
    fake_start(&k, script);
    fake_hangs_up(&k);
    struct run r = run_line(&around, "karctl watch");
    assert_int_equal(r.code, EXIT_UNREACHABLE); /* it went away */
    assert_string_equal(r.out,
        "2026-01-31T12:00:00.000Z vlan storage on n1 active\n"
        "2026-01-31T12:00:01.000Z drift of vlan storage on n1 repaired: was deleted\n");
    run_done(&r);
    fake_stop(&k);
}

#define LISTED(state)                                                                              \
    "{\"id\":@,\"result\":{\"objects\":[{\"kind\":\"switch\",\"name\":\"br0\",\"nodes\":[\"n1\"]," \
    "\"spec\":{},\"status\":{\"n1\":{\"state\":\"active\"}}},{\"kind\":\"switch\",\"name\":"       \
    "\"br1\",\"nodes\":[\"n1\"],\"spec\":{},\"status\":{\"n1\":{\"state\":\"" state "\"}}}]}}"

/* Subscribes first, lists, and after an event prints the rows that are not as they were. */
static void a_watched_list_adds_what_changed(void **state)
{
    static const struct fake_answer script[] = {
        {"watch", {"{\"id\":@,\"event\":{\"type\":\"watching\"}}",
                      "{\"id\":@,\"event\":{\"type\":\"object\"}}"}},
        {"object.list", {LISTED("applying")}},
        {"object.list", {LISTED("active")}},
        {NULL},
    };
    struct fake_kard k;

    (void)state;
    fake_start(&k, script);
    fake_hangs_up(&k); /* each connection ends after its first answer: the second list fails */
    struct run r = run_line(&(struct run_around){.socket = k.path}, "karctl switch list -w");
    assert_int_equal(r.code, EXIT_UNREACHABLE);
    assert_string_equal(r.out,
        "NAME  NODE  UPLINK  PORTS  MACS  ADDRESS  RX  TX  STATUS    REASON\n"
        "br0   n1    -           -     -  -         -   -  active    -\n"
        "br1   n1    -           -     -  -         -   -  applying  -\n");
    const char *watch = strstr(fake_asked(&k), "watch {}\n");
    assert_ptr_equal(watch, fake_asked(&k));
    run_done(&r);
    fake_stop(&k);
}

#define UPLINK_IS(nic)                                                                             \
    "{\"id\":@,\"result\":{\"objects\":[{\"kind\":\"switch\",\"name\":\"br0\",\"nodes\":[\"n1\"]," \
    "\"spec\":{\"uplink\":\"" nic "\"},\"status\":{\"n1\":{\"state\":\"active\"}}}]}}"

#define WATCHED_ONCE                                         \
    {                                                        \
        "watch",                                             \
        {                                                    \
            "{\"id\":@,\"event\":{\"type\":\"watching\"}}",  \
                "{\"id\":@,\"event\":{\"type\":\"object\"}}" \
        }                                                    \
    }

/* A text that outgrows its column brings new titles; one that does not stands below the old. */
static void a_watched_row_stands_below_its_titles(void **state)
{
    static const struct {
        struct fake_answer script[4];
        const char *shown;
    } cases[] = {
        {{WATCHED_ONCE, {"object.list", {UPLINK_IS("eth0")}},
             {"object.list", {UPLINK_IS("eth10"), FAKE_ENDS}}, {NULL}},
            "NAME  NODE  UPLINK  PORTS  MACS  ADDRESS  RX  TX  STATUS  REASON\n"
            "br0   n1    eth0        -     -  -         -   -  active  -\n"
            "br0   n1    eth10       -     -  -         -   -  active  -\n"},
        {{WATCHED_ONCE, {"object.list", {UPLINK_IS("eth0")}},
             {"object.list", {UPLINK_IS("enp10s0"), FAKE_ENDS}}, {NULL}},
            "NAME  NODE  UPLINK  PORTS  MACS  ADDRESS  RX  TX  STATUS  REASON\n"
            "br0   n1    eth0        -     -  -         -   -  active  -\n"
            "NAME  NODE  UPLINK   PORTS  MACS  ADDRESS  RX  TX  STATUS  REASON\n"
            "br0   n1    enp10s0      -     -  -         -   -  active  -\n"},
        {{WATCHED_ONCE, {"object.list", {"{\"id\":@,\"result\":{\"objects\":[]}}"}},
             {"object.list", {UPLINK_IS("eth0"), FAKE_ENDS}}, {NULL}},
            "NAME  NODE  UPLINK  PORTS  MACS  ADDRESS  RX  TX  STATUS  REASON\n"
            "br0   n1    eth0        -     -  -         -   -  active  -\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fake_kard k;
        fake_start(&k, cases[i].script);
        struct run r = run_line(&(struct run_around){.socket = k.path}, "karctl switch list -w");
        assert_int_equal(r.code, EXIT_UNREACHABLE); /* it went away */
        assert_string_equal(r.out, cases[i].shown);
        run_done(&r);
        fake_stop(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_agent_is_told_with_what_starts_it),
        cmocka_unit_test(a_dead_agents_socket_is_told_from_none),
        cmocka_unit_test(who_may_not_is_told_which_group_may),
        cmocka_unit_test(data_goes_out_and_messages_beside),
        cmocka_unit_test(the_cluster_needs_no_name),
        cmocka_unit_test(without_a_cluster_the_fix_is_init),
        cmocka_unit_test(apply_shows_each_node_as_it_finishes),
        cmocka_unit_test(how_apply_ends_follows_the_states),
        cmocka_unit_test(without_a_terminal_a_warning_needs_yes),
        cmocka_unit_test(on_a_terminal_a_warning_is_asked_back),
        cmocka_unit_test(all_errors_of_a_file_come_at_once_with_their_lines),
        cmocka_unit_test(errors_end_with_their_code),
        cmocka_unit_test(a_dry_run_asks_for_the_plan_only),
        cmocka_unit_test(watch_prints_events_until_kard_goes),
        cmocka_unit_test(a_watched_list_adds_what_changed),
        cmocka_unit_test(a_watched_row_stands_below_its_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

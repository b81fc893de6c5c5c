/* complete_test.c: what could be typed next; and the same in bash and zsh, with a real Tab key. */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#include "cli/complete.h"
#include "fake_kard.h"

/* --- the engine ------------------------------------------------------------------------------ */

static void fill(void *ctx, const char *socket, enum value_of of, const struct kind_info *kind,
    struct candidates *ret)
{
    (void)ctx;
    if (socket)
        candidates_add(ret, socket, NULL);
    if (of == OF_CHANGE)
        candidates_add(ret, "7f3a12c0", "storage network");
    else if (of == OF_NODE)
        candidates_add(ret, "n1", NULL);
    else
        for (int i = 1; i <= 2; i++) {
            char *name = mem_printf("%s%d", kind->name, i);
            candidates_add(ret, name, NULL);
            free(name);
        }
}

/* words: separated by '|', the last one is to be completed. Returns candidates with '|' between. */
static char *completed(const char *words)
{
    const struct live_names live = {fill, NULL};
    const char *v[32];
    char *copy = mem_strdup(words);
    size_t n = 0;
    struct candidates found;
    struct buf b = BUF_INIT;

    for (char *s = copy; s;) {
        char *bar = strchr(s, '|');
        if (bar)
            *bar++ = '\0';
        v[n++] = s;
        s = bar;
    }
    complete(v, n, &live, &found);
    if (found.files)
        buf_add_str(&b, ":files");
    for (size_t i = 0; i < found.n; i++)
        buf_printf(&b, "%s%s", i ? "|" : "", found.v[i].text);
    candidates_done(&found);
    free(copy);
    return buf_take(&b);
}

static void every_place_has_its_candidates(void **state)
{
    static const struct {
        const char *words, *found;
    } cases[] = {
        {"vl", "vlan"},
        {"vx", "vxlan"},
        {"un", "undo"},
        {"__", ""},
        {"vlan|", "list|show|create|set|delete"},
        {"vxlan|s", "show|set"},
        {"vlan|show|", "vlan1|vlan2"},
        {"vlan|show|vlan1|", ""},
        {"vlan|delete|vlan1|", "vlan1|vlan2"},
        {"nic|show|nic1", "nic1"},
        {"node|set|", "node1|node2"},
        {"vlan|create|", ""},
        {"vlan|create|s|--pa", "--parent"},
        {"vlan|create|s|--parent|", "nic1|nic2"},
        {"vlan|create|s|--parent|nic1|--ta", "--tag"},
        {"vlan|create|s|--protocol|", "802.1Q|802.1ad"},
        {"vlan|create|s|--protocol=802.1a", "--protocol=802.1ad"}, /* zsh: one word */
        {"vlan|create|s|--protocol|=|802.1a", "802.1ad"},          /* bash: three */
        {"vlan|create|s|--protocol|=", "802.1Q|802.1ad"},
        {"vlan|create|s|--tag|=|5|--proto", "--protocol"},
        {"vlan|create|s|--node|", "n1"},
        {"vlan|set|s|--ta", ""}, /* cannot be changed, so it is not offered */
        {"vlan|set|s|--unset|g", "gateway"},
        {"switch|create|s|--uplink|", "nic1|nic2|vlan1|vlan2|overlay1|overlay2"},
        {"switch|set|s|--stp|--stp-", "--stp-priority"},
        {"switch|set|s|--stp=", "--stp=true|--stp=false"},
        {"overlay|create|o|--vni|", "auto"},
        {"undo|", "7f3a12c0"},
        {"history|", "show|diff"},
        {"history|diff|7f3a|7", "7f3a12c0"},
        {"history|--kind|o", "overlay"},
        {"export|--at|", "7f3a12c0"},
        {"vlan|list|-o|", "table|wide|json|yaml|name"},
        {"-o|j", "json"},
        {"vlan|list|-w|--color|a", "auto|always"},
        {"apply|-f|", ":files"},
        {"apply|--file|x", ":files"},
        {"explain|vl", "vlan"},
        {"explain|vlan.t", "vlan.tag"},
        {"completion|", "bash|zsh"},
        {"--socket|/tmp/s|vlan|show|", "/tmp/s|vlan1|vlan2"},
        {"vlan|show|--|", "vlan1|vlan2"},
        {"vlan|show|--|--", ""},
        {"frobnicate|", ""},
    };
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *found = completed(cases[i].words);
        if (strcmp(found, cases[i].found) != 0) {
            print_error("%s: is %s, not %s\n", cases[i].words, found, cases[i].found);
            failed++;
        }
        free(found);
    }
    assert_int_equal(failed, 0);
}

/* A press of Tab with nobody there shows nothing and breaks nothing. */
static void the_hidden_call_is_silent(void **state)
{
    static const struct fake_answer script[] = {
        {"object.list",
            {"{\"id\":@,\"result\":{\"objects\":[{\"name\":\"storage\"},{\"name\":\"guests\"}]}}"}},
        {"history.list", {"{\"id\":@,\"result\":{\"changes\":[{\"change\":\"7f3a12c0aabb\","
                          "\"message\":\"new\\nline\"}]}}"}},
        {"nic.list", {"{\"id\":@,\"error\":{\"code\":\"internal\",\"what\":\"no\"}}"}},
        {NULL},
    };
    struct fake_kard k;
    struct run r = run_line(&(struct run_around){0}, "karctl __complete -- vlan show ''");

    (void)state;
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, "");
    run_done(&r);

    fake_start(&k, script);
    struct run_around around = {.socket = k.path};
    r = run_line(&around, "karctl __complete -- vlan show ''");
    assert_string_equal(r.out, "storage\nguests\n");
    run_done(&r);
    r = run_line(&around, "karctl __complete -- undo ''");
    assert_string_equal(r.out, "7f3a12c0\tnew line\n");
    run_done(&r);
    r = run_line(&around, "karctl __complete -- nic show ''");
    assert_string_equal(r.out, "");
    assert_string_equal(r.err, "");
    run_done(&r);
    r = run_line(&around, "karctl __complete -- vlan show -o js");
    assert_string_equal(r.out, "json\twhat the API answered\n");
    run_done(&r);
    fake_stop(&k);
}

/* --- the shells ------------------------------------------------------------------------------ */

enum { SHELL_WAIT_MS = 20000 };

struct shell {
    pid_t pid;
    int fd;
    struct buf seen;
};

/* Reads what the shell shows until `text` stands there. */
static void shell_expect(struct shell *s, const char *text)
{
    time_ms deadline = clock_monotonic() + SHELL_WAIT_MS;

    while (!strstr(buf_cstr(&s->seen), text)) {
        struct pollfd p = {.fd = s->fd, .events = POLLIN};
        char chunk[4096];
        ssize_t n = -1;
        if (poll(&p, 1, 100) > 0 && (n = read(s->fd, chunk, sizeof(chunk))) <= 0)
            break;
        if (n > 0)
            buf_add(&s->seen, chunk, (size_t)n);
        if (clock_monotonic() > deadline)
            break;
    }
    if (!strstr(buf_cstr(&s->seen), text))
        fail_msg("the shell never showed \"%s\", but\n%s", text, buf_cstr(&s->seen));
}

static void shell_type(struct shell *s, const char *text)
{
    buf_clear(&s->seen);
    assert_int_equal(write(s->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void shell_start(struct shell *s, const char *socket, const char *const *argv)
{
    struct winsize size = {.ws_row = 50, .ws_col = 200};

    *s = (struct shell){0};
    s->pid = forkpty(&s->fd, NULL, NULL, &size);
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        char *path = mem_printf("%s:%s", KARCTL_DIR, getenv("PATH"));
        setenv("PATH", path, 1);
        setenv("KARD_SOCKET", socket, 1);
        setenv("TERM", "dumb", 1);
        setenv("PS1", "ready> ", 1);
        setenv("HOME", "/nonexistent", 1);
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* no ptrace under a pty in some sandboxes */
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
}

static void shell_end(struct shell *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    close(s->fd);
    buf_done(&s->seen);
}

static bool have(const char *program)
{
    char *command = mem_printf("command -v %s >/dev/null 2>&1", program);
    int r = system(command);

    free(command);
    return r == 0;
}

static const struct fake_answer shell_script[] = {
    {"object.list", {"{\"id\":@,\"result\":{\"objects\":[{\"name\":\"storage\"}]}}"}},
    {"nic.list", {"{\"id\":@,\"result\":{\"nics\":[{\"name\":\"eth7\"}]}}"}},
    {"object.show", {"{\"id\":@,\"result\":{}}"}},
    {"change.plan", {"{\"id\":@,\"result\":{}}"}},
    {NULL},
};

/* What was typed, with its Tabs, reaches kard as the whole request. */
static void shell_asks(struct shell *s, struct fake_kard *k, const char *typed, const char *request)
{
    time_ms deadline = clock_monotonic() + SHELL_WAIT_MS;

    shell_type(s, typed);
    shell_expect(s, "ready> "); /* the next prompt: the line was run */
    while (!fake_was_asked(k, request) && clock_monotonic() < deadline)
        poll(NULL, 0, 10);
    if (!fake_was_asked(k, request))
        fail_msg(
            "%s did not ask for %s but\n%s\n%s", typed, request, fake_asked(k), buf_cstr(&s->seen));
}

static void complete_in(struct shell *s, struct fake_kard *k)
{
    shell_type(s, "echo karctl-is-$(type karctl >/dev/null && echo there)\r");
    shell_expect(s, "karctl-is-there");
    shell_asks(s, k, "karctl vla\tsho\tsto\t-o js\t\r",
        "object.show {\"kind\":\"vlan\",\"name\":\"storage\"}\n");
    shell_asks(s, k, "karctl vlan create x --parent=et\t--ta\t7 --protocol 802.1a\t--dry\t\r",
        "change.plan {\"docs\":[{\"op\":\"create\",\"kind\":\"vlan\",\"name\":\"x\",\"spec\":{"
        "\"parent\":\"eth7\",\"tag\":7,\"protocol\":\"802.1ad\"}}]}\n");
}

static void bash_completes(void **state)
{
    static const char *const argv[] = {"bash", "--norc", "--noprofile", "-i", NULL};
    struct fake_kard k;
    struct shell s;

    (void)state;
    if (!have("bash"))
        skip();
    fake_start(&k, shell_script);
    shell_start(&s, k.path, argv);
    shell_type(&s, "bind 'set bell-style none'; source <(karctl completion bash)\r");
    complete_in(&s, &k);
    /* files are bash's own */
    char *line = mem_printf("karctl apply -f %s/kard.s\t", k.dir);
    char *shown = mem_printf("karctl apply -f %s ", k.path);
    shell_type(&s, line);
    shell_expect(&s, shown);
    free(line);
    free(shown);
    shell_end(&s);
    fake_stop(&k);
}

static void zsh_completes(void **state)
{
    static const char *const argv[] = {"zsh", "-f", "-i", NULL};
    struct fake_kard k;
    struct shell s;

    (void)state;
    if (!have("zsh"))
        skip();
    fake_start(&k, shell_script);
    shell_start(&s, k.path, argv);
    shell_type(&s, "autoload -U compinit; compinit -D -u; unsetopt beep zle_bracketed_paste; "
                   "source <(karctl completion zsh)\r");
    complete_in(&s, &k);
    shell_end(&s);
    fake_stop(&k);
}

/* The scripts are of the shell that they say, and no other shell has one. */
static void scripts_are_accepted_by_their_shells(void **state)
{
    static const char *const shells[] = {"bash", "zsh"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (!have(shells[i]))
            continue;
        char *command = mem_printf("%s -n", shells[i]);
        FILE *f = popen(command, "w");
        fputs(completion_script(shells[i]), f);
        assert_int_equal(pclose(f), 0);
        free(command);
    }
    assert_null(completion_script("fish"));
    struct run r = run_line(&(struct run_around){0}, "karctl completion fish");
    assert_int_equal(r.code, EXIT_USAGE);
    assert_non_null(strstr(r.err, "fix: karctl completion bash\n"));
    run_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_has_its_candidates),
        cmocka_unit_test(the_hidden_call_is_silent),
        cmocka_unit_test(scripts_are_accepted_by_their_shells),
        cmocka_unit_test(bash_completes),
        cmocka_unit_test(zsh_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

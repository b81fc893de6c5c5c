/* tree_test.c: the table of commands keeps its promises: every command explains itself with an
 * example that it understands, and no name means two things. */
#include "base/file.h"
#include "cli/help.h"
#include "fake_kard.h"

enum { COMMANDS_MIN = 40 };

struct walked {
    size_t n;
};

/* Every line of an example is parsed as it would be typed. */
static void try_example(const char *path, const char *example)
{
    while (*example) {
        size_t n = strcspn(example, "\n");
        char line[512], copy[512], *argv[RUN_ARGS_MAX];
        struct invocation in;
        struct err e;
        assert_true(n < sizeof(line));
        snprintf(line, sizeof(line), "%.*s", (int)n, example);
        example += n + (example[n] == '\n');
        if (strncmp(line, "source ", 7) == 0) /* the shell's */
            continue;
        int argc = cut_words(line, copy, argv);
        assert_string_equal(argv[0], "karctl");
        if (invocation_parse(argc, argv, &in, &e) < 0)
            fail_msg("the example of karctl %s: %s: %s", path, line, e.what);
        snprintf(copy, sizeof(copy), "karctl %s", path);
        if (!strstr(line, copy))
            fail_msg("the example of karctl %s is about karctl %s", path, in.path);
        invocation_done(&in);
    }
}

static void check_command(void *ctx, const struct command *c, const char *path)
{
    struct walked *w = ctx;
    char line[128];

    w->n++;
    assert_non_null(c->help);
    snprintf(line, sizeof(line), "karctl %s --help", path);
    struct run r = run_line(&(struct run_around){0}, line);
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.err, "");
    snprintf(line, sizeof(line), "karctl %s: %s\n", path, c->help);
    assert_true(strncmp(r.out, line, strlen(line)) == 0);
    if (c->run && (!c->example || !strstr(r.out, "\nExample:\n  ")))
        fail_msg("karctl %s has no example", path);
    if (c->run)
        try_example(path, c->example);
    else
        assert_non_null(strstr(r.out, "\nCommands:\n"));
    run_done(&r);

    /* karctl help PATH is the same */
    struct run help;
    snprintf(line, sizeof(line), "karctl help %s", path);
    help = run_line(&(struct run_around){0}, line);
    assert_int_equal(help.code, EXIT_DONE);
    assert_true(strncmp(help.out, "karctl ", 7) == 0);
    run_done(&help);
}

static void every_command_has_help_with_an_example(void **state)
{
    struct walked w = {0};

    (void)state;
    command_walk(&command_root, check_command, &w);
    assert_true(w.n >= COMMANDS_MIN);
    struct run r = run_line(&(struct run_around){0}, "karctl --help");
    assert_int_equal(r.code, EXIT_DONE);
    assert_non_null(strstr(r.out, "\nExample:\n  karctl init\n"));
    run_done(&r);
    r = run_line(&(struct run_around){0}, "karctl");
    assert_int_equal(r.code, EXIT_USAGE);
    assert_string_equal(r.out, "");
    assert_non_null(strstr(r.err, "\nCommands:\n"));
    run_done(&r);
    r = run_line(&(struct run_around){0}, "karctl help vlna");
    assert_int_equal(r.code, EXIT_USAGE);
    run_done(&r);
}

/* A flag of the schema and an option of the command never share a name; letters neither. */
static void check_names(void *ctx, const struct command *c, const char *path)
{
    char flag[FLAG_TEXT];
    const struct field *f;

    (void)ctx;
    for (size_t i = 0; (f = command_field_each(c, &i));)
        if (command_option(c, field_flag(f, flag) + 2, 0))
            fail_msg("karctl %s: %s is a field and an option", path, flag);
    for (unsigned a = 0; a < O_COUNT; a++)
        for (unsigned b = a + 1; b < O_COUNT; b++) {
            if (!command_takes(c, a) || !command_takes(c, b))
                continue;
            if (strcmp(options[a].name, options[b].name) == 0 ||
                (options[a].letter && options[a].letter == options[b].letter))
                fail_msg("karctl %s: two options %s", path, options[a].name);
        }
    for (const struct command *k = c->children; k && k->name; k++)
        for (const struct command *l = k + 1; l->name; l++)
            assert_string_not_equal(k->name, l->name);
}

static void no_name_means_two_things(void **state)
{
    (void)state;
    command_walk(&command_root, check_names, NULL);
    /* what an option takes is the same wherever it has that name: parse.c relies on it */
    for (unsigned a = 0; a < O_COUNT; a++)
        for (unsigned b = a + 1; b < O_COUNT; b++)
            if (strcmp(options[a].name, options[b].name) == 0)
                assert_int_equal(options[a].takes == OF_NOTHING, options[b].takes == OF_NOTHING);
}

/* Every field of the schema that a user may write has its flag, and says so in --help. */
static void every_field_has_its_flag(void **state)
{
    (void)state;
    for (const struct command *k = command_root.children; k->name; k++) {
        const struct command *create = k->children ? command_child(k, "create") : NULL;
        const struct command *set = k->children ? command_child(k, "set") : NULL;
        if (!set)
            continue;
        char line[128], flag[FLAG_TEXT];
        snprintf(line, sizeof(line), "karctl %s %s --help", k->name, create ? "create" : "set");
        struct run r = run_line(&(struct run_around){0}, line);
        for (const struct field *f = k->kind->fields; f->name; f++) {
            bool no;
            if (f->flags & FIELD_READ_ONLY) {
                assert_null(command_field(set, f->name, &no));
                continue;
            }
            assert_ptr_equal(command_field(set, f->name, &no), f);
            assert_ptr_equal(command_field(set, field_flag(f, flag) + 2, &no), f);
            if (!strstr(r.out, flag) || !strstr(r.out, f->help))
                fail_msg("%s does not show %s", line, flag);
        }
        run_done(&r);
    }
}

static void help_fits_a_terminal(void **state)
{
    struct run r = run_line(&(struct run_around){.terminal = true}, "karctl overlay create --help");
    bool fields = false;

    (void)state;
    for (char *line = strtok(r.out, "\n"); line; line = strtok(NULL, "\n")) {
        fields = fields || strcmp(line, "Fields:") == 0;
        if (fields && strlen(line) > 90) /* 80, but a flag's own name is never cut */
            fail_msg("%s", line);
    }
    assert_true(fields);
    run_done(&r);
}

static void version_needs_no_agent(void **state)
{
    struct run r = run_line(&(struct run_around){0}, "karctl --version");

    (void)state;
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(r.out, "karctl " KAR_VERSION "\n");
    run_done(&r);
    r = run_line(&(struct run_around){0}, "karctl version");
    assert_int_equal(r.code, EXIT_DONE);
    assert_string_equal(
        r.out, "karctl " KAR_VERSION "\nkard does not answer on /nonexistent/kard.sock\n");
    run_done(&r);
}

static void explain_walks_the_schema(void **state)
{
    struct run r = run_line(&(struct run_around){0}, "karctl explain vlan.tag");

    (void)state;
    assert_int_equal(r.code, EXIT_DONE);
    assert_non_null(strstr(r.out, "1..4094"));
    run_done(&r);
    r = run_line(&(struct run_around){0}, "karctl explain vlan.tga");
    assert_int_equal(r.code, EXIT_REJECTED);
    assert_non_null(strstr(r.err, "tag"));
    run_done(&r);
    r = run_line(&(struct run_around){0}, "karctl explain");
    for (size_t k = 0; k < KIND_COUNT; k++)
        assert_non_null(strstr(r.out, schema_kinds[k].name));
    run_done(&r);
}

/* The man page's commands and options are the tree's. KAR_GOLDEN_UPDATE=1 writes them anew. */
static void the_man_page_is_the_trees(void **state)
{
    const char *here = __FILE__, *slash = strstr(here, "/tests/unit/cli/");
    char *path = mem_printf("%.*s/packaging/man/karctl.1.scd", (int)(slash - here), here);
    struct buf page = BUF_INIT, commands = BUF_INIT, fresh = BUF_INIT;
    struct err e;

    (void)state;
    if (file_read(path, 1 << 20, &page, &e) < 0)
        fail_msg("%s: %s", path, e.what);
    help_to_scdoc(&commands);
    const char *first = strstr(buf_cstr(&page), "# COMMANDS\n");
    const char *after = strstr(buf_cstr(&page), "# OUTPUT\n");
    assert_non_null(first);
    assert_non_null(after);
    buf_add(&fresh, page.p, (size_t)(first - (const char *)page.p));
    buf_add(&fresh, commands.p, commands.n);
    buf_add_str(&fresh, after);
    if (getenv("KAR_GOLDEN_UPDATE"))
        assert_int_equal(file_write_atomic(path, fresh.p, fresh.n, 0644, &e), 0);
    else
        assert_string_equal(buf_cstr(&page), buf_cstr(&fresh));
    buf_done(&page);
    buf_done(&commands);
    buf_done(&fresh);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_with_an_example),
        cmocka_unit_test(no_name_means_two_things),
        cmocka_unit_test(every_field_has_its_flag),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(version_needs_no_agent),
        cmocka_unit_test(explain_walks_the_schema),
        cmocka_unit_test(the_man_page_is_the_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

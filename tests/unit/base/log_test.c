/* log_test.c: what reaches stderr: one line each, never forged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static int saved, ends[2];

static void capture(void)
{
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
}

static const char *captured(void)
{
    static char text[4096];
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    log_set_journal(true);
    capture();
    log_line(LOG_WARN, "vlan %s is gone", "storage");
    assert_string_equal(captured(), "<4>vlan storage is gone\n");
}

static void a_terminal_gets_the_time(void **state)
{
    (void)state;
    log_set_journal(false);
    capture();
    log_line(LOG_INFO, "ready");
    const char *line = captured();
    assert_non_null(strstr(line, "Z info ready\n"));
    assert_int_equal(line[10], 'T');
    log_set_journal(true);
}

static void less_than_asked_for_is_silent(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_IO, what("x"), NULL, NULL);
    log_set_level(LOG_WARN);
    capture();
    log_line(LOG_INFO, "no");
    log_err(LOG_DETAIL, "no", &e);
    log_line(LOG_ERROR, "yes");
    assert_string_equal(captured(), "<3>yes\n");
    log_set_level(LOG_INFO);
}

static void nobody_forges_a_second_line(void **state)
{
    (void)state;
    capture();
    log_line(LOG_INFO, "name %s", "a\n<0>panic\x1b[31m\r\x7f");
    assert_string_equal(captured(), "<6>name a <0>panic [31m  \n");
}

static void an_error_is_one_line(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_NAME_TAKEN, what("lan is taken"), why("switch n1/lan holds it"),
        fix("choose another name"));
    err_at(&e, "/docs/0/name");
    capture();
    log_err(LOG_ERROR, "apply", &e);
    log_err(LOG_ERROR, NULL, &(struct err){.code = ERR_IO, .what = "cannot read"});
    assert_string_equal(captured(),
        "<3>apply: lan is taken: switch n1/lan holds it; choose another name (at /docs/0/name) "
        "[name-taken]\n<3>cannot read [io]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_journal_gets_priorities),
        cmocka_unit_test(a_terminal_gets_the_time),
        cmocka_unit_test(less_than_asked_for_is_silent),
        cmocka_unit_test(nobody_forges_a_second_line),
        cmocka_unit_test(an_error_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

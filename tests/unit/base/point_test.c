/* point_test.c: a process dies at the moment that its test names, at no other, and not without
 * being told to; where points are not built in there are none. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/point.h"

static char path[] = "/tmp/kar-point-XXXXXX";

static void arm(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* How many of these moments a process sees that reaches one after the other: all, or those before
 * the one at which it dies. */
static size_t seen(const char *const *names, size_t n)
{
    int fd[2], status;
    size_t count = 0;
    char byte;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        for (size_t i = 0; i < n; i++) {
            POINT(names[i]);
            if (write(fd[1], "", 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(fd[1]);
    while (read(fd[0], &byte, 1) == 1)
        count++;
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (count == n)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    else
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return count;
}

static void it_dies_where_it_is_told(void **state)
{
    (void)state;
    static const char *const names[] = {
        "stored", "told", "stored-late", "stored", "told", "stored"};
    static const struct {
        const char *armed;
        size_t seen;
    } cases[] = {
        {"", 6},
        {"stored", 0},
        {"stored\n", 0},
        {"told", 1},
        {"stored-late", 2},
        {"stored 2", 3},
        {"told 2", 4},
        {"stored 3\n", 5},
        {"stored 4", 6},
        {"stor", 6},
        {"nothing of the kind", 6},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        arm(cases[i].armed);
#ifdef KAR_POINTS
        assert_int_equal(seen(names, 6), cases[i].seen);
#else
        assert_int_equal(seen(names, 6), 6);
#endif
    }
}

static void nobody_dies_unasked(void **state)
{
    (void)state;
    static const char *const names[] = {"stored", "told"};
    arm("stored");
    unsetenv("KAR_POINT");
    assert_int_equal(seen(names, 2), 2);
    setenv("KAR_POINT", "/nowhere/at/all", 1);
    assert_int_equal(seen(names, 2), 2);
    setenv("KAR_POINT", path, 1);
}

static int begin(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd) | setenv("KAR_POINT", path, 1);
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_dies_where_it_is_told),
        cmocka_unit_test(nobody_dies_unasked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

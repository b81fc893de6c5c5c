/* mem_test.c: allocation, copies and vectors. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void memory_is_zeroed(void **state)
{
    (void)state;
    unsigned char *p = mem_alloc(4096);
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(p[i], 0);
    free(p);
}

static void nothing_is_still_something(void **state)
{
    (void)state;
    void *p = mem_alloc(0), *q = mem_dup("", 0), *r = mem_resize(NULL, 0);
    assert_non_null(p);
    assert_non_null(q);
    assert_non_null(r);
    free(p);
    free(q);
    free(r);
}

static void texts_are_copied(void **state)
{
    (void)state;
    char *a = mem_strdup("kar"), *b = mem_strndup("karctl", 3), *c = mem_strndup("k", 10);
    char *d = mem_printf("%s-%d", "vx", 7);
    assert_string_equal(a, "kar");
    assert_string_equal(b, "kar");
    assert_string_equal(c, "k");
    assert_string_equal(d, "vx-7");
    free(a);
    free(b);
    free(c);
    free(d);
}

static void a_vector_grows(void **state)
{
    (void)state;
    struct {
        unsigned *v;
        size_t n, cap;
    } list = {0};
    for (unsigned i = 0; i < 1000; i++)
        VEC_PUSH(&list, i);
    assert_int_equal(list.n, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(list.v[i], i);
    free(list.v);
}

/* A child asks for more than there is: it says so in one line and dies of SIGABRT. */
static void exhaustion_ends_the_process(void **state)
{
    (void)state;
    int fd[2], status;
    char text[64] = {0};
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(fd[1], STDERR_FILENO);
        volatile size_t too_much = SIZE_MAX / 4;
        mem_resize(NULL, too_much);
        _exit(0);
    }
    close(fd[1]);
    assert_true(read(fd[0], text, sizeof(text) - 1) > 0);
    /* A sanitizer's allocator ends the process itself. */
    assert_true(
        strstr(text, "kar: out of memory") || strstr(text, "==ERROR") || strstr(text, "======"));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    close(fd[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(nothing_is_still_something),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(a_vector_grows),
        cmocka_unit_test(exhaustion_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

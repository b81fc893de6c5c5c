/* file_test.c: whole files, written or not at all. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

static char dir[] = "/tmp/kar-file-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char *command = mem_printf("rm -rf '%s'", dir);
    int r = system(command);
    free(command);
    return r;
}

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void a_file_is_read_as_it_was_written(void **state)
{
    (void)state;
    char *path = path_of("one");
    struct buf b = BUF_INIT;
    struct err e;
    struct stat st;
    umask(077);
    assert_int_equal(file_write_atomic(path, "a\0b", 3, 0644, &e), 0);
    assert_int_equal(file_read(path, 3, &b, &e), 0);
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "a\0b", 3);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644); /* as asked, whatever the umask */
    assert_int_equal(file_write_atomic(path, "", 0, 0600, &e), 0);
    buf_clear(&b);
    assert_int_equal(file_read(path, 0, &b, &e), 0);
    assert_int_equal(b.n, 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    buf_done(&b);
}

static void reading_appends_or_leaves_alone(void **state)
{
    (void)state;
    char *path = path_of("two");
    struct buf b = BUF_INIT;
    struct err e;
    buf_add_str(&b, "before ");
    assert_int_equal(file_write_atomic(path, "0123456789", 10, 0600, &e), 0);
    assert_int_equal(file_read(path, 9, &b, &e), -ERR_LIMIT);
    assert_string_equal(buf_cstr(&b), "before ");
    assert_non_null(strstr(e.what, path));
    assert_string_equal(e.why, "at most 9 bytes are read");
    assert_int_equal(file_read(path, 10, &b, &e), 0);
    assert_string_equal(buf_cstr(&b), "before 0123456789");
    buf_done(&b);
}

static void failures_are_named(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct err e;
    char *path = path_of("absent");
    assert_int_equal(file_read(path, 10, &b, &e), -ERR_NOT_FOUND);
    assert_non_null(strstr(e.what, path));
    assert_int_equal(file_read(dir, 10, &b, &e), -ERR_IO); /* a directory */
    assert_int_equal(file_write_atomic("", "x", 1, 0600, &e), -ERR_NOT_FOUND);
    assert_int_equal(file_write_atomic(path_of("no/such"), "x", 1, 0600, &e), -ERR_NOT_FOUND);
    assert_int_equal(access(path_of("no"), F_OK), -1);
    assert_int_equal(b.n, 0);
    buf_done(&b);
}

/* A child may write 100 bytes to a file; the 1000 that it tries to store leave nothing behind. */
static void a_write_that_fails_half_way_leaves_the_old_file(void **state)
{
    (void)state;
    char *path = path_of("half"), big[1000] = {0};
    struct err e;
    struct buf b = BUF_INIT;
    int status;
    assert_int_equal(file_write_atomic(path, "old", 3, 0600, &e), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {100, 100};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(file_write_atomic(path, big, sizeof(big), 0600, &e) == -ERR_IO ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(file_read(path, 10, &b, &e), 0);
    assert_string_equal(buf_cstr(&b), "old");
    assert_int_equal(access(path_of("half.new"), F_OK), -1);
    buf_done(&b);
}

/* Runs `fn` in a child; 0: it returned 0, 77: it could not be tried here. */
static int in_child(int (*fn)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(fn());
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

enum { CANNOT_TRY = 77 };

/* On a file system of one page. */
static int fill_a_disk(void)
{
    char big[8192] = {0};
    struct err e;
    struct buf b = BUF_INIT;
    if (unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=4k") < 0)
        return CANNOT_TRY;
    char *path = path_of("file");
    if (file_write_atomic(path, "old", 3, 0600, &e) == 0) /* its page is all there is */
        return file_write_atomic(path, big, sizeof(big), 0600, &e) != -ERR_STORE_FULL ||
               strcmp(e.fix, "make room on the file system") != 0 ||
               access(path_of("file.new"), F_OK) == 0 ||
               file_read(path_of("file"), 9, &b, &e) < 0 || strcmp(buf_cstr(&b), "old") != 0;
    return 1;
}

static void a_full_disk_is_told_and_the_old_file_stays(void **state)
{
    (void)state;
    int r = in_child(fill_a_disk);
    if (r == CANNOT_TRY)
        skip();
    assert_int_equal(r, 0);
}

static int trespass(void)
{
    struct err e;
    struct buf b = BUF_INIT;
    if (geteuid() == 0 && setuid(65534) < 0)
        return CANNOT_TRY;
    return file_read("/etc/shadow", 1 << 20, &b, &e) != -ERR_DENIED ||
           file_write_atomic("/etc/kar-file-test", "x", 1, 0600, &e) != -ERR_DENIED ||
           file_mkdirs("/etc/kar-file-test/a", 0700, &e) != -ERR_DENIED || b.n != 0;
}

static void what_is_not_ours_is_denied(void **state)
{
    (void)state;
    int r = in_child(trespass);
    if (r == CANNOT_TRY)
        skip();
    assert_int_equal(r, 0);
}

static void what_a_crash_left_is_replaced_never_followed(void **state)
{
    (void)state;
    struct err e;
    struct stat st;
    char *left = mem_strdup(path_of("three.new"));
    assert_int_equal(symlink("/dev/full", left), 0);
    assert_int_equal(file_write_atomic(path_of("three"), "kar", 3, 0600, &e), 0);
    assert_int_equal(lstat(left, &st), -1);
    assert_int_equal(lstat(path_of("three"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    free(left);
}

static void a_directory_in_the_way_stays(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(mkdir(path_of("four"), 0700), 0);
    assert_int_equal(file_write_atomic(path_of("four"), "kar", 3, 0600, &e), -ERR_IO);
    assert_int_equal(access(path_of("four.new"), F_OK), -1);
    assert_int_equal(access(path_of("four"), F_OK), 0);
}

static void directories_are_made_as_needed(void **state)
{
    (void)state;
    struct err e;
    struct stat st;
    umask(022);
    assert_int_equal(file_mkdirs(path_of("a/b//c/"), 0750, &e), 0);
    assert_int_equal(file_mkdirs(path_of("a/b/c"), 0750, &e), 0);
    assert_int_equal(stat(path_of("a/b"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(file_mkdirs("/", 0750, &e), 0);
    assert_int_equal(file_write_atomic(path_of("a/file"), "x", 1, 0600, &e), 0);
    assert_int_equal(file_mkdirs(path_of("a/file"), 0750, &e), -ERR_NOT_FOUND);
    assert_int_equal(file_mkdirs(path_of("a/file/x"), 0750, &e), -ERR_NOT_FOUND);
    assert_string_equal(e.why, "Not a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_as_it_was_written),
        cmocka_unit_test(reading_appends_or_leaves_alone),
        cmocka_unit_test(failures_are_named),
        cmocka_unit_test(a_write_that_fails_half_way_leaves_the_old_file),
        cmocka_unit_test(a_full_disk_is_told_and_the_old_file_stays),
        cmocka_unit_test(what_is_not_ours_is_denied),
        cmocka_unit_test(what_a_crash_left_is_replaced_never_followed),
        cmocka_unit_test(a_directory_in_the_way_stays),
        cmocka_unit_test(directories_are_made_as_needed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

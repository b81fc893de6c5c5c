/* test_dir.h: a directory of a test's own, which goes with it, also when the test fails. */
#ifndef KAR_TEST_DIR_H
#define KAR_TEST_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test_dir {
    char path[256];
};

static inline int test_dir_remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static inline void test_dir_make(struct test_dir *d)
{
    const char *base = getenv("TMPDIR");
    snprintf(d->path, sizeof(d->path), "%s/kar-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(d->path)) {
        perror(d->path);
        abort();
    }
}

static inline void test_dir_remove(struct test_dir *d)
{
    nftw(d->path, test_dir_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline char *test_dir_file(const struct test_dir *d, const char *name, char ret_path[512])
{
    snprintf(ret_path, 512, "%s/%s", d->path, name);
    return ret_path;
}

#endif

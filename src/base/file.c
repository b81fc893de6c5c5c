/* file.c: whole files, durably.
 *
 * Happy path of a write: NAME.new, fsync, rename over NAME, fsync of the directory. When any step
 * fails the half-made file is removed and NAME is as it was. A crash may leave a NAME.new behind;
 * the next write replaces it. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static int file_err(struct err *e, const char *verb, const char *path, int errno_)
{
    enum err_code code = ERR_IO;
    const char *remedy = NULL;
    switch (errno_) {
    case ENOENT:
    case ENOTDIR:
        code = ERR_NOT_FOUND;
        remedy = "check the path";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        code = ERR_DENIED;
        remedy = "check the owner and the mode of the file and of its directories";
        break;
    case ENOSPC:
    case EDQUOT:
        code = ERR_STORE_FULL;
        remedy = "make room on the file system";
        break;
    }
    return err_set(e, code, what("cannot %s %s", verb, path), strerror(errno_), remedy);
}

static int file_read_fd(int fd, const char *path, size_t max, struct buf *ret, struct err *e)
{
    char block[16384];
    size_t total = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_err(e, "read", path, errno);
        if (n == 0)
            return 0;
        if ((size_t)n > max - total)
            return err_set(e, ERR_LIMIT, what("%s is too large", path),
                why("at most %zu bytes are read", max), fix("split the file"));
        buf_add(ret, block, (size_t)n);
        total += (size_t)n;
    }
}

int file_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return file_err(e, "read", path, errno);
    struct buf got = BUF_INIT;
    int r = file_read_fd(fd, path, max, &got, e);
    if (r == 0)
        buf_add(ret, got.p, got.n);
    buf_done(&got);
    close(fd);
    return r;
}

static int file_write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        p += w;
        n -= (size_t)w;
    }
    return 0;
}

/* The new name of a file lives in its directory, which is synced like a file. */
static int file_sync_dir(const char *path)
{
    char *dir = mem_strdup(path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        memcpy(dir, ".", 2); /* path has at least one byte */
    else if (slash == dir)
        dir[1] = 0;
    else
        *slash = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* Fills and syncs a file made for this purpose only. */
static int file_write_new(const char *path, const void *p, size_t n, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, mode) < 0 ? -errno : 0; /* whatever the umask */
    if (r == 0)
        r = file_write_all(fd, p, n);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

int file_write_atomic(const char *path, const void *p, size_t n, unsigned mode, struct err *e)
{
    if (!*path)
        return file_err(e, "write", "(no name)", ENOENT);
    char *beside = mem_printf("%s.new", path);
    unlink(beside); /* left by a crash; ENOENT is the rule */
    int r = file_write_new(beside, p, n, mode);
    if (r == 0 && rename(beside, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(beside);
    else
        r = file_sync_dir(path);
    free(beside);
    return r < 0 ? file_err(e, "write", path, -r) : 0;
}

int file_mkdirs(const char *path, unsigned mode, struct err *e)
{
    char *part = mem_strdup(path);
    int r = 0;
    for (char *p = part + (*part == '/');; p++) {
        char c = *p;
        if (c != '/' && c != 0)
            continue;
        *p = 0;
        if (*part && mkdir(part, mode) < 0 && errno != EEXIST) {
            r = file_err(e, "create directory", part, errno);
            break;
        }
        *p = c;
        if (c == 0)
            break;
    }
    struct stat st;
    if (r == 0 && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
        r = file_err(e, "create directory", path, ENOTDIR);
    free(part);
    return r;
}

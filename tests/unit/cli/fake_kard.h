/* fake_kard.h: somebody on a UNIX socket who says what a test tells him to, and remembers what he
 * was asked; and karctl run in memory against him.
 *
 * The double stands at the seam that docs/api.md describes: lines of JSON. Included by one test
 * each. */
#ifndef KAR_TESTS_FAKE_KARD_H
#define KAR_TESTS_FAKE_KARD_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/cli.h"

/* To a method, the lines that answer it: '@' stands for the request's id; NULL ends them. The
 * second request for the same method gets the next row of that method, if there is one. The line
 * FAKE_ENDS hangs up on the first connection, which is the one that -w watches by. */
#define FAKE_ENDS "!"
struct fake_answer {
    const char *method;
    const char *lines[8];
};

struct fake_kard {
    char dir[64], path[96];
    int listener, first;
    pthread_t thread;
    const struct fake_answer *script; /* ends with method NULL */
    bool used[32];
    struct buf asked;     /* the requests, without their ids, one a line */
    pthread_mutex_t lock; /* of used, asked and hang_up */
    bool hang_up;         /* closes after the last line, also where an answer is missing */
};

static inline const struct fake_answer *fake_find(struct fake_kard *k, const char *method)
{
    const struct fake_answer *last = NULL;

    for (size_t i = 0; k->script && k->script[i].method; i++) {
        if (strcmp(k->script[i].method, method) != 0)
            continue;
        last = &k->script[i];
        if (!k->used[i]) {
            k->used[i] = true;
            return last;
        }
    }
    return last;
}

static inline void fake_say(int fd, const char *line, const char *id)
{
    struct buf b = BUF_INIT;

    for (; *line; line++) {
        if (*line == '@')
            buf_add_str(&b, id);
        else
            buf_add_byte(&b, (uint8_t)*line);
    }
    buf_add_byte(&b, '\n');
    for (size_t sent = 0; sent < b.n;) {
        ssize_t n = send(fd, b.p + sent, b.n - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    buf_done(&b);
}

static inline void fake_answer_line(struct fake_kard *k, int fd, const char *line, size_t n)
{
    struct value *v = NULL;
    struct buf json = BUF_INIT;
    char id[32];

    if (value_from_json(line, n, &v, NULL) < 0)
        return;
    snprintf(id, sizeof(id), "%lld", (long long)value_get_int(v, "id", -1));
    const char *method = value_get_text(v, "method");
    value_to_json(value_get(v, "params"), 0, &json);
    pthread_mutex_lock(&k->lock);
    const struct fake_answer *a = method ? fake_find(k, method) : NULL;
    buf_printf(&k->asked, "%s %s\n", method ? method : "?", buf_cstr(&json));
    pthread_mutex_unlock(&k->lock);
    for (size_t i = 0; a && i < 8 && a->lines[i]; i++) {
        if (strcmp(a->lines[i], FAKE_ENDS) == 0)
            shutdown(k->first, SHUT_RDWR);
        else
            fake_say(fd, a->lines[i], id);
    }
    buf_done(&json);
    value_free(v);
}

/* One connection after the other would do for all but -w, which has two: each line is answered
 * where it came from. */
static inline void *fake_connection(void *ctx)
{
    struct fake_kard *k = ((void **)ctx)[0];
    int fd = (int)(intptr_t)((void **)ctx)[1];
    char line[65536];
    size_t n = 0;
    ssize_t got;

    free(ctx);
    while ((got = recv(fd, line + n, sizeof(line) - n, 0)) > 0) {
        n += (size_t)got;
        char *end;
        while ((end = memchr(line, '\n', n))) {
            size_t used = (size_t)(end - line) + 1;
            fake_answer_line(k, fd, line, used - 1);
            memmove(line, line + used, n - used);
            n -= used;
        }
        pthread_mutex_lock(&k->lock);
        bool enough = k->hang_up;
        pthread_mutex_unlock(&k->lock);
        if (enough)
            break;
    }
    close(fd);
    return NULL;
}

static inline void *fake_thread(void *ctx)
{
    struct fake_kard *k = ctx;
    pthread_t connections[16];
    size_t n = 0;
    int fd;

    while (n < 16 && (fd = accept(k->listener, NULL, NULL)) >= 0) {
        void **args = mem_alloc(2 * sizeof(void *));
        k->first = n == 0 ? fd : k->first; /* before any thread reads it */
        args[0] = k;
        args[1] = (void *)(intptr_t)fd;
        pthread_create(&connections[n++], NULL, fake_connection, args);
    }
    for (size_t i = 0; i < n; i++)
        pthread_join(connections[i], NULL);
    return NULL;
}

static inline void fake_start(struct fake_kard *k, const struct fake_answer *script)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    *k = (struct fake_kard){.script = script};
    pthread_mutex_init(&k->lock, NULL);
    snprintf(k->dir, sizeof(k->dir), "/tmp/kar-fake-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    snprintf(k->path, sizeof(k->path), "%s/kard.sock", k->dir);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", k->path);
    k->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(k->listener >= 0);
    assert_int_equal(bind(k->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(k->listener, 8), 0);
    pthread_create(&k->thread, NULL, fake_thread, k);
}

static inline void fake_stop(struct fake_kard *k)
{
    shutdown(k->listener, SHUT_RDWR);
    pthread_join(k->thread, NULL);
    close(k->listener);
    unlink(k->path);
    rmdir(k->dir);
    buf_done(&k->asked);
    pthread_mutex_destroy(&k->lock);
}

static inline void fake_hangs_up(struct fake_kard *k)
{
    pthread_mutex_lock(&k->lock);
    k->hang_up = true;
    pthread_mutex_unlock(&k->lock);
}

/* While somebody may still be asking. */
static inline bool fake_was_asked(struct fake_kard *k, const char *request)
{
    pthread_mutex_lock(&k->lock);
    bool asked = strstr(buf_cstr(&k->asked), request) != NULL;
    pthread_mutex_unlock(&k->lock);
    return asked;
}

/* When nobody does any more. */
static inline const char *fake_asked(struct fake_kard *k)
{
    pthread_mutex_lock(&k->lock);
    const char *text = buf_cstr(&k->asked);
    pthread_mutex_unlock(&k->lock);
    return text;
}

/* --- karctl in memory ------------------------------------------------------------------------ */

enum { RUN_ARGS_MAX = 24 };

struct run {
    int code;
    char *out, *err; /* what it printed */
};

/* How the process around it looks; zero is a pipe without colour, in UTF-8, at 2026-01-31 12:00. */
struct run_around {
    const char *typed; /* on standard input */
    bool terminal, dumb, ascii;
    const char *socket;
};

static inline struct run run_argv(const struct run_around *around, int argc, char *const *argv)
{
    struct run r = {0};
    size_t out_n, err_n;
    const char *typed = around->typed ? around->typed : "";
    struct screen screen = {.is_terminal = around->terminal,
        .moves = around->terminal && !around->dumb,
        .utf8 = !around->ascii,
        .columns = around->terminal ? 80 : 0,
        .lines = around->terminal ? 24 : 0,
        .now = INT64_C(1769860800000)};
    struct cli c = {.out = screen, .err = screen, .in_terminal = around->terminal};

    c.no_color = true;
    c.env_socket = around->socket ? around->socket : "/nonexistent/kard.sock";
    c.in = fmemopen((void *)(uintptr_t)(*typed ? typed : "\n"), *typed ? strlen(typed) : 1, "r");
    c.out.f = open_memstream(&r.out, &out_n);
    c.err.f = open_memstream(&r.err, &err_n);
    r.code = cli_run(&c, argc, argv);
    fclose(c.in);
    fclose(c.out.f);
    fclose(c.err.f);
    return r;
}

/* The words of a command line, cut at spaces; '…' quotes. Stops at a shell's operator. */
static inline int cut_words(const char *line, char *copy, char **argv)
{
    int argc = 0;
    char *to = copy;

    while (*line && argc < RUN_ARGS_MAX - 1) {
        line += strspn(line, " ");
        if (!*line || *line == '|' || *line == '>' || *line == '&')
            break;
        argv[argc++] = to;
        for (bool quoted = false; *line && (quoted || *line != ' '); line++) {
            if (*line == '\'')
                quoted = !quoted;
            else
                *to++ = *line;
        }
        *to++ = '\0';
    }
    argv[argc] = NULL;
    return argc;
}

static inline struct run run_line(const struct run_around *around, const char *line)
{
    char *argv[RUN_ARGS_MAX], copy[1024];
    int argc = cut_words(line, copy, argv);

    return run_argv(around, argc, argv);
}

static inline void run_done(struct run *r)
{
    free(r->out);
    free(r->err);
}

#endif

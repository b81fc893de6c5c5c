/* bench.h: what the benchmarks share: processes, a network of one's own, and numbers in order. */
#ifndef KAR_BENCH_H
#define KAR_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Says who failed (errno's text) and ends. */
void die(const char *what_) __attribute__((noreturn));
/* Starts a program, its output thrown away. */
pid_t spawn(const char *const *argv);
/* The same, its output into a file. */
pid_t spawn_to(const char *const *argv, const char *path);
/* It has ended, and was waited for. */
void spawn_forget(pid_t pid);
/* Runs it; ends when it fails. */
void run(const char *const *argv);
/* Ends a process that spawn started. */
void reap(pid_t pid);

void write_text(const char *path, const char *text);
/* A network of its own, with a loopback interface that is up; without root also a user namespace,
 * in which we are root. */
void enter_namespace(void);
/* Waits until `pid` has made its socket. */
void await_socket(pid_t pid, const char *path);

/* In ms, of times in ns, which are sorted: the value that `percent` of them do not exceed. */
double percentile_ms(int64_t *ns, size_t n, unsigned percent);

#endif

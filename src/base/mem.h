/* mem.h: allocation that does not fail.
 *
 * Every size that comes from outside is bounded before it gets here, so running out of memory is
 * a condition of the machine, not of the input: the process says so and ends; durable state is
 * in LMDB and the kernel keeps its network (docs/adr/0001). */
#ifndef KAR_BASE_MEM_H
#define KAR_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes); /* zeroed; free() it */
void *mem_resize(void *p, size_t bytes);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void *mem_dup(const void *p, size_t bytes);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

/* Room for one more element in a vector {v, n, cap}: VEC_PUSH(list, element). */
#define VEC_PUSH(l, e)                                               \
    do {                                                             \
        if ((l)->n == (l)->cap) {                                    \
            (l)->cap = (l)->cap ? (l)->cap * 2 : 8;                  \
            (l)->v = mem_resize((l)->v, (l)->cap * sizeof(*(l)->v)); \
        }                                                            \
        (l)->v[(l)->n++] = (e);                                      \
    } while (0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif

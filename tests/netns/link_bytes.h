/* link_bytes.h: every link as the kernel tells of it, attribute by attribute, without knowing what
 * they mean: a second opinion that shares no code with kernel_nl. */
#ifndef KAR_TESTS_LINK_BYTES_H
#define KAR_TESTS_LINK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

struct link_bytes_one {
    char name[IFNAME_BYTES];
    uint8_t *message; /* RTM_NEWLINK */
    size_t n;
};
struct link_bytes {
    struct link_bytes_one *v;
    size_t n, cap;
};

/* All links of this network namespace; what was there before is forgotten. */
void link_bytes_read(struct link_bytes *b);
void link_bytes_add(struct link_bytes *b, const char *name); /* as it is now */
void link_bytes_drop(struct link_bytes *b, const char *name);
/* What can be told of a link of ours without knowing its kind. */
struct link_facts {
    int index;
    bool up;
    uint32_t mtu;
    int master; /* index; 0: none */
    char alias[256];
};
bool link_bytes_facts(const struct link_bytes *b, const char *name, struct link_facts *ret);
/* The first difference of a link, "" when there is none. What moves by itself (counters, carrier,
 * timers) is left out; link_bytes.c names it. */
enum { LINK_BYTES_TEXT = 256 };
void link_bytes_compare(const struct link_bytes *was, const struct link_bytes *is, const char *name,
    char ret_difference[LINK_BYTES_TEXT]);
void link_bytes_done(struct link_bytes *b);

#endif

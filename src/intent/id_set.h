/* id_set.h: a set of 16-byte identifiers that only grows: 32 bytes a member at most times. */
#ifndef KAR_INTENT_ID_SET_H
#define KAR_INTENT_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct id_set {
    rev_id *v; /* open addressing; zero is an empty place */
    size_t n, cap;
    uint64_t seed;
    bool has_zero;
};

void id_set_done(struct id_set *s);
bool id_set_has(const struct id_set *s, const rev_id *id);
void id_set_add(struct id_set *s, const rev_id *id);
void id_set_copy(struct id_set *dst, const struct id_set *src);

#endif

/* map.h: a hash map from byte keys to pointers. Keys are copied, values are the caller's.
 *
 * Keyed with a random seed where keys come from outside (map_init_seeded), so that nobody can
 * choose colliding keys. Iteration order is insertion order while nothing is removed, and the same
 * for the same history, so that simulation replays. */
#ifndef KAR_BASE_MAP_H
#define KAR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot *slots;
    size_t n, cap;
    uint64_t seed;
};

#define MAP_INIT ((struct map){0})

void map_done(struct map *m);
void map_done_with(struct map *m, void (*free_value)(void *));
void *map_get(const struct map *m, const void *key, size_t n);
/* Sets and returns the former value, or NULL. */
void *map_set(struct map *m, const void *key, size_t n, void *value);
/* Removes and returns the value, or NULL. */
void *map_remove(struct map *m, const void *key, size_t n);
void *map_get_str(const struct map *m, const char *key);
void *map_set_str(struct map *m, const char *key, void *value);
void *map_remove_str(struct map *m, const char *key);
/* for (size_t i = 0; map_next(&m, &i, &value);) — nothing may be added or removed meanwhile.
 * ret_key and ret_n may be NULL. */
bool map_each(
    const struct map *m, size_t *cursor, const void **ret_key, size_t *ret_n, void **ret_value);

#endif

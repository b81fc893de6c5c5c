/* map.h: a hash map from byte keys to pointers. Keys are copied, values are the caller's.
 *
 * Keyed with a random seed where keys come from outside (MAP_INIT_SEEDED), so that nobody can
 * choose colliding keys. Iteration order is insertion order (a key set again keeps its place, a
 * removed one loses it) and does not depend on the seed, so that simulation replays. */
#ifndef KAR_BASE_MAP_H
#define KAR_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot *slots;
    uint32_t *index;
    size_t n, used, cap; /* entries; with holes; room */
    uint64_t seed;
};

#define MAP_INIT ((struct map){0})
#define MAP_INIT_SEEDED(seed_) ((struct map){.seed = (seed_)})

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
/* for (size_t i = 0; map_each(&m, &i, &key, &n, &value);) — nothing may be added meanwhile,
 * removing is fine. ret_key, ret_n and ret_value may be NULL. */
bool map_each(
    const struct map *m, size_t *cursor, const void **ret_key, size_t *ret_n, void **ret_value);

#endif

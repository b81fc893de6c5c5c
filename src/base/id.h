/* id.h: the 16-byte identifiers. Distinct types, so that a node is never taken for an object. */
#ifndef KAR_BASE_ID_H
#define KAR_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { ID_BYTES = 16, ID_HEX = 2 * ID_BYTES, HASH_BYTES = 32 };

typedef struct node_id { /* BLAKE2b-128 of the node's first Ed25519 public key */
    uint8_t b[ID_BYTES];
} node_id;
typedef struct cluster_id { /* BLAKE2b-128 of the genesis key */
    uint8_t b[ID_BYTES];
} cluster_id;
typedef struct rev_id { /* BLAKE2b-128 of change id and index: one put or delete of one object */
    uint8_t b[ID_BYTES];
} rev_id;
typedef struct object_id { /* the rev_id of the operation that created the object */
    uint8_t b[ID_BYTES];
} object_id;
typedef struct change_id { /* BLAKE2b-256 of the signed header */
    uint8_t b[HASH_BYTES];
} change_id;

#define ID_EQ(x, y) (sizeof(*(x)) == sizeof(*(y)) && memcmp((x)->b, (y)->b, sizeof((x)->b)) == 0)
#define ID_CMP(x, y) memcmp((x)->b, (y)->b, sizeof((x)->b))
#define ID_IS_ZERO(x) hex_is_zero((x)->b, sizeof((x)->b))

/* Lower-case hexadecimal of n bytes with a NUL: ret_text holds 2 n + 1. Returns ret_text. */
char *hex_encode(const uint8_t *p, size_t n, char *ret_text);
/* Exactly n bytes from exactly 2 n digits (either case). Errors: ERR_SYNTAX. */
int hex_decode(const char *text, uint8_t *ret_bytes, size_t n);
bool hex_is_zero(const uint8_t *p, size_t n);

/* The text of an id in a buffer of the enclosing block: printf("%s", ID_TEXT(&object->id)). */
#define ID_TEXT(x) hex_encode((x)->b, sizeof((x)->b), (char[2 * sizeof((x)->b) + 1]){0})

#endif

/* value.h: the tree that specs, requests and records are made of.
 *
 * One shape in files (YAML, JSON), API (JSON lines) and store (msgpack): null, bool, 64-bit
 * integer, text, list, map with text keys. No floating point: a figure carries its unit in its name
 * (rtt_us). A parent owns its children; maps keep their insertion order in memory and are encoded
 * with sorted keys where bytes are hashed. */
#ifndef KAR_INTENT_VALUE_H
#define KAR_INTENT_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_TEXT, VALUE_LIST, VALUE_MAP };

enum {
    VALUE_DEPTH_MAX = 16,       /* nesting; our deepest document has 7 */
    VALUE_NODES_MAX = 1 << 20,  /* values in one document: 100,000 objects fit */
    VALUE_TEXT_MAX = 64 * 1024, /* bytes of one text */
};

struct value {
    enum value_type type;
    union {
        bool b;
        int64_t i;
        struct { /* VALUE_TEXT: NUL-terminated, no NUL inside */
            char *s;
            size_t s_n;
        };
        struct { /* VALUE_LIST and VALUE_MAP; keys is NULL in a list */
            struct value **v;
            char **keys;
            size_t n, cap;
        };
    };
};

struct value *value_null(void);
struct value *value_bool(bool b);
struct value *value_int(int64_t i);
struct value *value_text(const char *s); /* copies */
struct value *value_text_n(const char *s, size_t n);
struct value *value_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct value *value_list(void);
struct value *value_map(void);
void value_free(struct value *v); /* NULL is fine */
struct value *value_clone(const struct value *v);

/* Both take `child` over and return it. value_set replaces (and frees) a former value of the key;
 * a NULL child removes the key. */
struct value *value_add(struct value *list, struct value *child);
struct value *value_set(struct value *map, const char *key, struct value *child);
/* The same for a key that is not there yet, without looking: decoders, which have checked. */
struct value *value_append(struct value *map, const char *key, struct value *child);
/* Short forms for records. */
void value_set_text(struct value *map, const char *key, const char *s); /* NULL: nothing is set */
void value_set_int(struct value *map, const char *key, int64_t i);
void value_set_bool(struct value *map, const char *key, bool b);

/* Readers: tolerant of NULL and of another type (NULL, 0, false, or the default given). */
struct value *value_get(const struct value *map, const char *key);
const char *value_get_text(const struct value *map, const char *key);
int64_t value_get_int(const struct value *map, const char *key, int64_t otherwise);
bool value_get_bool(const struct value *map, const char *key, bool otherwise);
bool value_is(const struct value *v, enum value_type t);
bool value_equal(const struct value *a, const struct value *b); /* key order does not matter */

/* RFC 7386: members of `patch` replace those of `*target`, null removes. Owns nothing of patch. */
void value_merge_patch(struct value *target, const struct value *patch);

/* Appends "/key" to a JSON pointer (RFC 6901: ~ and / within the key are escaped). */
void value_pointer_add(struct buf *pointer, const char *key);

/* --- codecs ---------------------------------------------------------------------------------- */

/* JSON (RFC 8259) of at most n bytes; one value, nothing after it. Real numbers are refused.
 * ret_value is the caller's. Errors: ERR_SYNTAX (what names line and column), ERR_LIMIT. */
int value_from_json(const char *text, size_t n, struct value **ret_value, struct err *e);
/* Appends; indent 0 is one line without spaces (an API line), otherwise that many spaces. */
void value_to_json(const struct value *v, unsigned indent, struct buf *ret);

/* msgpack. Decoding refuses floats, extensions, binary with NUL as text, non-text keys, trailing
 * bytes. Encoding is canonical: shortest integers, keys sorted by bytes. Errors: ERR_SYNTAX,
 * ERR_LIMIT. */
int value_from_msgpack(const uint8_t *p, size_t n, struct value **ret_value, struct err *e);
void value_to_msgpack(const struct value *v, struct buf *ret);

#endif

/* words.h: how messages name objects, lists of them, and since when they hold something. */
#ifndef KAR_INTENT_WORDS_H
#define KAR_INTENT_WORDS_H

#include "intent/intent.h"

/* "vlan n1/storage", in a buffer of the enclosing block. */
#define TITLE_OF(o) object_title(o, (char[OBJECT_TITLE]){0})

/* How commands name it: "storage", or "n1/storage" where several nodes have a local one; its id
 * where another object answers to that name. */
const char *words_name(const struct intent *in, const struct object *o, char ret[OBJECT_TITLE]);
#define NAME_OF(in, o) words_name(in, o, (char[OBJECT_TITLE]){0})
/* The command that makes what it takes free: "karctl vlan delete storage"; a NIC stays and loses
 * its settings: "karctl nic set eth1 --unset mtu". */
const char *words_delete(const struct intent *in, const struct object *o, struct err_text *ret);
#define DELETE_OF(in, o) words_delete(in, o, &(struct err_text){{0}})

/* " since 2026-01-31 12:00 UTC", with the space in front; empty when it is not known. */
enum { WORDS_SINCE = 64 };
const char *words_since(const struct intent *in, const struct object *o, char ret[WORDS_SINCE]);

/* "a, b and 3 more": a list cut to the room that a sentence has. Starts as {0}. */
struct words {
    char text[256];
    size_t n, hidden;
};
void words_add(struct words *l, const char *name);
const char *words_text(struct words *l); /* call once, at the end */

#endif

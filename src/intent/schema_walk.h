/* schema_walk.h: what the files of the schema share; nobody else includes it. */
#ifndef KAR_INTENT_SCHEMA_WALK_H
#define KAR_INTENT_SCHEMA_WALK_H

#include "base/map.h"
#include "intent/schema.h"

/* One walk over a spec: where it stands and what it found. */
struct check {
    const struct kind_info *kind;
    const struct field *inside; /* the F_STRUCT field whose members are walked, or NULL */
    struct buf at;              /* JSON pointer */
    struct errs *errs;
    int first; /* the first error's code, 0 */
};

/* Adds an error at the place where the walk stands. */
void check_fail(
    struct check *c, enum err_code code, const char *what_, const char *why_, const char *fix_);
/* The same about a field, which `todo` names a way out of; NULL. */
struct value *check_refuse(struct check *c, const struct field *f, enum err_code code,
    const char *what_, const char *why_, const char *todo);
/* The same: the value is of another type than the field's; NULL. */
struct value *check_wrong_type(struct check *c, const struct field *f, const struct value *v);

/* A value as a sentence can show it: short, on one line. */
enum { SHOWN_MAX = 64 };
struct shown {
    char s[SHOWN_MAX + 8];
};
const char *check_shown(const struct value *v, struct shown *ret);
#define SHOWN(v) check_shown(v, &(struct shown){{0}})

/* What a VNI may name: neither "auto" nor a number. */
bool check_pool_name_valid(const char *s);

/* The normal form of a single value of any type but F_STRUCT; NULL when it is wrong (told). */
struct value *check_scalar(struct check *c, const struct field *f, const struct value *v);
/* The normal form of one field's value; NULL when it is wrong (told) or comes to nothing. */
struct value *check_field(struct check *c, const struct field *f, const struct value *v);
/* The normal form of a whole map; never NULL, c->first says whether it is good. */
struct value *check_fields(struct check *c, const struct field *fields, const struct value *spec);

/* What one element of a field takes: "an integer from 1 to 4094". Appended to ret. */
void schema_element_text(const struct field *f, struct buf *ret);

#endif

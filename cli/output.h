/* output.h: the back ends behind -o, one row each. */
#ifndef KAR_CLI_OUTPUT_H
#define KAR_CLI_OUTPUT_H

#include "cli/view.h"

struct output {
    const char *name;
    const char *help;
    bool is_for_people; /* may be changed by value_make_printable, aligned, coloured, counted */
    /* Prints the whole result. */
    void (*print)(struct screen *s, const struct view *v, const struct value *result);
    /* Prints one event or one changed row as it comes (-w). */
    void (*print_one)(struct screen *s, const struct value *thing);
};

extern const struct output outputs[];      /* ends with a row without name */
extern const char *const output_formats[]; /* their names, NULL-terminated */

/* By name; the first one (table) for NULL. */
const struct output *output_named(const char *name);

/* "3 vlans: 2 active, 1 blocked", as a line on s; nothing for views that are no lists. */
void count_print(struct screen *s, const struct view *v, const struct value *result);

#endif

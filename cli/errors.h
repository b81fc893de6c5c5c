/* errors.h: errors as an operator reads them: what, at, why, fix. */
#ifndef KAR_CLI_ERRORS_H
#define KAR_CLI_ERRORS_H

#include "cli/input.h"
#include "cli/screen.h"

/* Prints every error; in may be NULL. More than one are counted at the end. */
void errors_print(struct screen *s, const struct errs *errs, const struct input *in);
/* The same as one JSON object {"error": {code, what, why, fix, at, where?, errors?}}. */
void errors_print_json(struct screen *s, const struct errs *errs, const struct input *in);
/* An error answer as it came, warnings and all, with `where` added. */
void error_answer_print_json(struct screen *s, const struct value *error, const struct input *in);
/* Appends the error of an answer and, where it names more, all of them. */
void errors_from_value(const struct value *error, struct errs *ret);

#endif

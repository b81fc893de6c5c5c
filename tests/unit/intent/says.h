/* says.h: a message that a test expects, word for word. */
#ifndef KAR_TESTS_SAYS_H
#define KAR_TESTS_SAYS_H

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

enum { SAYS_MAX = 4 };

struct says { /* a warning's code begins with "W " */
    const char *code, *at, *what, *why, *fix;
};

static inline bool says_is(const struct says *s, const struct err *e, bool warning)
{
    bool w = strncmp(s->code, "W ", 2) == 0;
    return w == warning && strcmp(s->code + (w ? 2 : 0), err_code_text(e->code)) == 0 &&
           strcmp(s->at, e->at) == 0 && strcmp(s->what, e->what) == 0 &&
           strcmp(s->why, e->why) == 0 && strcmp(s->fix, e->fix) == 0;
}

#endif

/* agent_echo.h: the far ends of tunnels that a change makes here are asked whether they answer, the
 * part of gate 2 that takes time (OV-2). */
#ifndef KAR_KARD_AGENT_ECHO_H
#define KAR_KARD_AGENT_ECHO_H

#include "base/err.h"
#include "base/map.h"
#include "kard/echo.h"

struct agent;
struct intent;
struct netstate;
struct op;

struct agent_echoes {
    uint64_t last;
    struct map asked; /* number → what waits for it */
};

/* All the far ends of one change, asked together. */
struct far_check;

/* Asks them, each silent one is added to `errs`, with `force` to `warnings`: both the caller's
 * until the end. `done` is called once, later. NULL: nobody is to be asked, done is not called. at
 * = "/docs/N", N the number of the operation. */
struct far_check *far_check_start(struct agent *a, const struct intent *after, const struct op *ops,
    size_t ops_n, const struct netstate *actual, bool force, struct errs *errs,
    struct errs *warnings, void (*done)(void *ctx), void *ctx);
/* Nobody waits any more; done is not called. */
void far_check_forget(struct far_check *c);

void agent_echoes_done(struct agent *a);

#endif

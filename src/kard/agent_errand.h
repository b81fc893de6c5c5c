/* agent_errand.h: something under way for somebody that is no change: a token, a question to
 * another node, joining, leaving. */
#ifndef KAR_KARD_AGENT_ERRAND_H
#define KAR_KARD_AGENT_ERRAND_H

#include "kard/agent_parts.h"

/* Registers it with the agent, which answers for it when it stops. */
struct errand *errand_new(struct agent *a, const struct agent_sink *sink);
struct agent_task *errand_task(struct errand *e);
struct agent *errand_agent(const struct errand *e);
/* Whether somebody still listens. */
bool errand_is_heard(const struct errand *e);
/* Takes the event over. */
void errand_event(struct errand *e, struct value *event);
/* Whom it is about, for messages. */
void errand_named(struct errand *e, const char *name);
const char *errand_name(const struct errand *e);
/* The end: one answer, then it is freed. errand_done takes the result over. */
void errand_done(struct errand *e, struct value *result);
void errand_fail(struct errand *e, const struct err *err);
/* Waits for a batch to be durable, then ends with `result` (taken over), or with the store's error.
 * `then` (may be NULL) is called before a good end. */
void errand_commit(struct errand *e, struct store_batch *b, struct value *result,
    void (*then)(struct agent *a, void *ctx), void *ctx);
/* A commit of the caller's own ends it: it is not ended meanwhile. */
void errand_is_committed(struct errand *e);

void errand_forget(struct errand *e);
/* Everyone is told that the agent stops. */
void errands_done(struct agent *a);
/* For what ends at once with an error, before there is an errand. NULL. */
struct agent_task *sink_fail(const struct agent_sink *sink, const struct err *e);

#endif

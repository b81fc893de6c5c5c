/* agent_job.h: the life of one job, from who asked to its one answer; for agent_change.c. */
#ifndef KAR_KARD_AGENT_JOB_H
#define KAR_KARD_AGENT_JOB_H

#include "kard/agent_change.h"

struct job *job_new(struct agent *a, const struct agent_sink *sink);
/* Copies the texts, takes the documents over. */
void job_take_ask(struct job *j, const struct agent_change_ask *ask);
void job_enter(struct job *j, enum job_state s);

/* The end of every job: one answer, if somebody still listens; then it is gone. */
void job_fail(struct agent *a, struct job *j, const struct errs *errs);
void job_fail_one(struct agent *a, struct job *j, const struct err *e);
void job_answer(struct agent *a, struct job *j, struct value *result); /* takes it over */
/* With what became of it. */
void job_done(struct agent *a, struct job *j, bool timed_out);
/* Without an answer: nothing has happened, and nothing will. */
void job_drop(struct agent *a, struct job *j);

#endif

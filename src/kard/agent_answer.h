/* agent_answer.h: the values that answer a job, as docs/api.md describes them. */
#ifndef KAR_KARD_AGENT_ANSWER_H
#define KAR_KARD_AGENT_ANSWER_H

#include "kard/agent_change.h"

/* change.plan, and the plan event of change.apply. The intent is the one before the change, or
 * already the one after it. */
struct value *job_plan_value(struct agent *a, const struct job *j);
/* change.apply. */
struct value *job_result_value(struct agent *a, const struct job *j, bool timed_out);
/* change.state: of a change that another node made. */
struct value *job_state_value(struct agent *a, const struct job *j, bool timed_out);

#endif

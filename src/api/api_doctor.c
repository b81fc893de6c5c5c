/* api_doctor.c: what is wrong around the agent, and what to do about it. */
#include "api/methods.h"

static const struct method_param no_params[] = {{NULL}};

static void run_doctor(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->doctor(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_doctor = {
    .name = "doctor",
    .help = "checks of host, kernel and agent, each with its fix",
    .params = no_params,
    .run = run_doctor,
};

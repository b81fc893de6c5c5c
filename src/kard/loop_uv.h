/* loop_uv.h: the event loop around one agent. */
#ifndef KAR_KARD_LOOP_UV_H
#define KAR_KARD_LOOP_UV_H

#include "api/server_unix_uv.h"
#include "kard/agent.h"
#include "kard/echo_uv.h"
#include "kard/transport_uv.h"

struct loop_options {
    struct agent *agent;
    struct store *store; /* the agent's: for their descriptors only */
    struct kernel *kernel;
    struct transport *transport; /* to the other nodes */
    struct echo_uv *echo;
    struct server_unix_options server;
};

/* Runs until SIGTERM or SIGINT. Errors: those of server_unix_open, ERR_IO. */
int loop_run(const struct loop_options *opt, struct err *e);

#endif

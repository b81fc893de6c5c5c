/* method.h: the methods of the API as one table, whatever carries the lines.
 *
 * Knows JSON values, errors and the caller's rights; knows nothing of sockets. kard gives an
 * `agent` (api/agent.h) whose functions do the work. A method may answer at once or later;
 * `watch` answers many times until its caller goes. docs/api.md describes each one. */
#ifndef KAR_API_METHOD_H
#define KAR_API_METHOD_H

#include "api/agent.h"
#include "intent/value.h"

enum {
    API_LINE_MAX = 16 << 20, /* bytes of one request: 20,000 objects fit */
    API_CALLS_MAX = 64,      /* calls of one connection not yet answered */
    API_CONNECTIONS_MAX = 256,
};

struct api_peer { /* who asks, by SO_PEERCRED */
    uint32_t uid, pid;
    char user[64];
    bool may_read, may_write;
};

struct api_call;
/* Carries one line out to the caller; `last` says that the call is over. Owned by the transport. */
typedef void (*api_send_fn)(void *ctx, const struct buf *line, bool last);

struct method {
    const char *name; /* "change.apply" */
    bool writes;
    const char *help;           /* one line */
    const struct method_param { /* ends with name NULL */
        const char *name;
        enum value_type type;
        bool required;
        const char *help;
    } * params;
    /* Answers through api_reply, api_event or api_fail, once or (events) several times. */
    void (*run)(struct api_call *call, const struct value *params);
};

extern const struct method *const api_methods[]; /* NULL-terminated */

/* One request line (without the newline), hostile. Always leads to exactly one last line.
 * The returned call may be cancelled while it is not over; NULL when it is over already. */
struct api_call *api_line(struct agent_api *agent, const struct api_peer *peer, const char *line,
    size_t n, api_send_fn send, void *ctx);
void api_cancel(struct api_call *call);

/* For methods. api_reply and api_event take `result` over; api_reply and api_fail end the call. */
struct agent_api *api_agent(struct api_call *call);
const struct api_peer *api_peer(const struct api_call *call);
void api_reply(struct api_call *call, struct value *result);
void api_event(struct api_call *call, struct value *event);
void api_fail(struct api_call *call, const struct err *e);
void api_fail_all(struct api_call *call, const struct errs *errs);

struct value *err_to_value(const struct err *e); /* {code, what, why, fix, at} */

#endif

/* method.h: the methods of the API as one table, whatever carries the lines.
 *
 * Knows JSON values, errors and the caller's rights; knows nothing of sockets. kard gives an
 * `agent` (api/agent.h) whose functions do the work. A method may answer at once or later;
 * `watch` answers many times until its caller goes. docs/api.md describes each one. */
#ifndef KAR_API_METHOD_H
#define KAR_API_METHOD_H

#include "api/agent.h"
#include "base/id.h"
#include "intent/value.h"

enum {
    API_LINE_MAX = 16 << 20,   /* bytes of one request: 20,000 objects fit */
    API_ANSWER_MAX = 64 << 20, /* bytes of one answer */
    API_ID_MAX = 128,          /* bytes of a textual id: it is repeated in every answer */
    API_CALLS_MAX = 64,        /* calls of one connection not yet answered */
    API_CONNECTIONS_MAX = 256,
};

struct api_peer { /* who asks, by SO_PEERCRED */
    uint32_t uid, pid;
    char user[64];
    bool may_read, may_write;
    bool is_node; /* another node asks, for somebody there: nothing is passed on to a third */
    node_id node; /* which */
};

struct api_call;
/* Carries one line (with its newline) out to the caller and takes its bytes over; `last` says that
 * the call is over. false: the caller's queue is full and the line was not taken; a last line is
 * always taken (or the connection is closed). */
typedef bool (*api_send_fn)(void *ctx, struct buf *line, bool last);

struct method_param { /* a list of them ends with name NULL */
    const char *name;
    enum value_type type;
    bool required;
    int64_t min, max; /* of integers and of the length of texts and lists; 0, 0: no range */
    const char *help;
};

struct method {
    const char *name; /* "change.apply" */
    bool writes;
    enum {
        AT_HERE,
        AT_NODE,        /* the parameter `node` says whose answer it is; another's is asked for */
        AT_NODE_REACHED /* the same as long as that node is reached; else what is known here */
    } at;
    bool endless;     /* goes on until the caller leaves: watch */
    const char *help; /* one line */
    const struct method_param *params;
    /* Answers through api_reply or api_fail, once, now or later; api_event before that. params is
     * checked; it is freed when run returns, but parts may be taken out (api_take). */
    void (*run)(struct api_call *call, struct value *params);
};

extern const struct method *const api_methods[]; /* NULL-terminated, sorted by name */

/* One request line (without the newline), hostile. Always leads to exactly one last line.
 * The returned call may be cancelled while it is not over; NULL when it is over already. */
struct api_call *api_line(struct agent_api *agent, const struct api_peer *peer, const char *line,
    size_t n, api_send_fn send, void *ctx);
/* The caller went: nothing is sent any more, the call is freed. What it started goes on if it was
 * accepted (a change), or ends (a watch). */
void api_cancel(struct api_call *call);
/* Whether the call ends only when its caller leaves. */
bool api_is_endless(const struct api_call *call);

/* For the transport: an error line that belongs to no call ("id": null). Appended to ret. */
void api_error_line(const struct err *e, struct buf *ret);

/* For methods. api_reply takes `result` over; api_reply and api_fail* end the call. */
struct agent_api *api_agent(struct api_call *call);
const struct api_peer *api_peer(const struct api_call *call);
void api_reply(struct api_call *call, struct value *result);
/* Takes `event` over. false: the caller reads too slowly, the event is lost. */
bool api_event(struct api_call *call, struct value *event);
void api_fail(struct api_call *call, const struct err *e);
/* All errors at once; warnings (NULL: none) stand beside them. */
void api_fail_all(struct api_call *call, const struct errs *errs, const struct errs *warnings);
/* Answers with *ret of a read, or fails with its error: most methods are this one line. */
void api_answer(struct api_call *call, int result, struct value *ret, const struct err *e);
/* Takes a member out of the parameters, for who keeps it; NULL when absent. */
struct value *api_take(struct value *params, const char *name);
/* The sink for what takes time, and the task to forget if the caller goes (NULL: over already;
 * then the call is gone too and nothing is done). */
struct agent_sink api_sink(struct api_call *call);
void api_wait(struct api_call *call, struct agent_task *task);

/* Parameters that name a kind. NULL when the parameter is absent; an unknown kind fails the call
 * and returns false. */
bool api_kind(struct api_call *call, const struct value *params, const char *param,
    const struct kind_info **ret_kind);

struct value *err_to_value(const struct err *e); /* {code, what, why?, fix?, at?} */
/* The same read back from another node's answer: hostile; what is missing is made up for. */
void err_from_value(const struct value *v, struct err *ret);
struct value *errs_to_value(const struct errs *l);

#endif

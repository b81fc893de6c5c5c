/* agent.h: what the API asks of an agent, as one table of functions.
 *
 * The seam between the methods and whoever answers them: kard fills it, tests put a double here and
 * nowhere else. Knows values, kinds and errors of base and intent; knows nothing of the store, the
 * kernel or the loop. docs/api.md describes the values that come back. */
#ifndef KAR_API_AGENT_H
#define KAR_API_AGENT_H

#include "base/id.h"
#include "base/time.h"
#include "intent/schema.h"

/* Where the answer of something that takes time goes. Exactly one of done and fail is called, once,
 * possibly before the function that started it returns; events come before it. */
struct agent_sink {
    void *ctx;
    /* Takes `event` over. false: the reader is too slow and the event is lost. */
    bool (*event)(void *ctx, struct value *event);
    void (*done)(void *ctx, struct value *result); /* takes `result` over */
    /* Lists are the agent's, for the call. warnings may be NULL. */
    void (*fail)(void *ctx, const struct errs *errs, const struct errs *warnings);
};

/* Something under way; NULL when it is over already. */
struct agent_task;

struct agent_change_ask {
    struct value *docs;  /* a list of documents; taken over. NULL: an undo */
    const char *undo;    /* hexadecimal prefix of the id of the change to undo */
    bool dry;            /* only say what would be done */
    const char *message; /* NULL: empty; copied like all texts here */
    const char *author;  /* never NULL */
    bool force, yes;     /* what rules allow only so; warnings are accepted */
    bool provisional;    /* counts before its claims are granted, until they are refused */
    bool wait, progress; /* answer when the nodes are done; stream events meanwhile */
    time_ms timeout_ms;  /* of waiting */
};

enum agent_watch_types {
    AGENT_WATCH_OBJECT = 1 << 0,
    AGENT_WATCH_CHANGE = 1 << 1,
    AGENT_WATCH_DRIFT = 1 << 2,
    AGENT_WATCH_NIC = 1 << 3,
    AGENT_WATCH_MEMBER = 1 << 4,
    AGENT_WATCH_ALL = (1 << 5) - 1,
};

struct agent_watch_ask {
    unsigned types; /* set of enum agent_watch_types */
    unsigned kinds; /* set of 1 << enum kind: what object and drift events are about */
};

struct agent_history_ask {
    unsigned limit;
    const struct kind_info *kind; /* NULL: any */
    const char *name;             /* NULL: any */
};

struct agent_check_ask { /* what a node asks about a change that it is going to make */
    const node_id *from;
    const struct value *change; /* list of texts: its bytes in base64, without a signature */
    const struct value *recent; /* list of ids of changes; or NULL */
    const struct value *ports;  /* list of names: whose machines are asked for; or NULL */
    uint64_t slot;              /* the last of the ledger there */
    bool force;
};

struct agent_node_ask {    /* copied */
    const char *name, *to; /* which node; rename: its name from now on */
    const char *author, *message;
    bool force;
    bool with_admitted; /* remove: and every node that it let in, and those that they did */
    bool dry;           /* remove: only say what would be done */
};

/* Reads answer at once: 0 with *ret the caller's, or -ERR_* with *e filled. Texts may be NULL where
 * docs/api.md marks the parameter with `?`. */
struct agent_api {
    void *ctx;

    int (*info)(void *ctx, struct value **ret, struct err *e);
    int (*object_list)(void *ctx, const struct kind_info *kind, const char *node,
        struct value **ret, struct err *e);
    int (*object_show)(void *ctx, const struct kind_info *kind, const char *name, const char *node,
        struct value **ret, struct err *e);
    int (*nic_list)(void *ctx, const char *node, struct value **ret, struct err *e);
    int (*nic_show)(void *ctx, const char *name, const char *node, bool stats, struct value **ret,
        struct err *e);
    int (*status)(void *ctx, struct value **ret, struct err *e);
    int (*drift)(void *ctx, struct value **ret, struct err *e);
    int (*history_list)(
        void *ctx, const struct agent_history_ask *ask, struct value **ret, struct err *e);
    int (*history_show)(void *ctx, const char *change, struct value **ret, struct err *e);
    int (*history_diff)(
        void *ctx, const char *from, const char *to, struct value **ret, struct err *e);
    int (*history_export)(void *ctx, const char *at, struct value **ret, struct err *e);
    int (*conflicts)(void *ctx, struct value **ret, struct err *e);
    int (*doctor)(void *ctx, struct value **ret, struct err *e);

    int (*token_list)(void *ctx, struct value **ret, struct err *e);

    /* What another node answers: whether `node` is another one (and reached now), and a method
     * asked there. */
    bool (*is_elsewhere)(void *ctx, const char *node, bool reached);
    struct agent_task *(*ask)(void *ctx, const char *node, const char *method,
        const struct value *params, const struct agent_sink *sink);

    /* What takes time. The sink is copied. */
    struct agent_task *(*init)(
        void *ctx, const char *cluster, const char *node, const struct agent_sink *sink);
    struct agent_task *(*join)(
        void *ctx, const char *token, const char *name, const struct agent_sink *sink);
    struct agent_task *(*leave)(
        void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);
    struct agent_task *(*token_create)(
        void *ctx, int64_t expires_s, const struct agent_sink *sink); /* 0: the default */
    struct agent_task *(*token_revoke)(void *ctx, const char *id, const struct agent_sink *sink);
    struct agent_task *(*node_rename)(
        void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);
    struct agent_task *(*node_remove)(
        void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);
    struct agent_task *(*change_state)(
        void *ctx, const char *change, time_ms timeout_ms, const struct agent_sink *sink);
    struct agent_task *(*change_check)(
        void *ctx, const struct agent_check_ask *ask, const struct agent_sink *sink);
    /* Another node's end of tunnels (a list of objects' ids, for the call): docs/api.md. */
    struct agent_task *(*overlay_hold)(
        void *ctx, const node_id *from, const struct value *objects, const struct agent_sink *sink);
    struct agent_task *(*change)(
        void *ctx, const struct agent_change_ask *ask, const struct agent_sink *sink);
    struct agent_task *(*watch)(
        void *ctx, const struct agent_watch_ask *ask, const struct agent_sink *sink);
    /* Nobody listens any more: the sink is not called again. A change that was accepted goes on; a
     * watch ends. */
    void (*forget)(void *ctx, struct agent_task *task);
};

#endif

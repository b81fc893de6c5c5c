/* agent_token.h: tokens that this node made: kept, shown, redeemed once. */
#ifndef KAR_KARD_AGENT_TOKEN_H
#define KAR_KARD_AGENT_TOKEN_H

#include "api/agent.h"
#include "gossip/token.h"
#include "intent/change.h"

struct agent;

enum {
    TOKENS_MAX = 1024, /* remembered by one node */
    TOKEN_EXPIRES_MS = 24 * 3600 * 1000,
    TOKEN_EXPIRES_S_MAX = 30 * 24 * 3600,
    TOKEN_KEEP_DAYS = 7, /* after it expired: who comes late is told why it is refused */
};

struct token_row { /* under META "token/<id>" */
    uint8_t id[TOKEN_ID_BYTES], secret[TOKEN_SECRET_BYTES];
    time_ms created, expires; /* wall */
    bool revoked, used;
    node_id used_by;
    change_id admission; /* what it was used for */
};
struct tokens { /* in the order in which they were made */
    struct token_row *v;
    size_t n, cap;
};

void tokens_done(struct tokens *l); /* wipes */
/* false: no token of ours that is remembered, used up or not. */
bool tokens_secret(const struct tokens *l, const uint8_t id[TOKEN_ID_BYTES],
    uint8_t ret_secret[TOKEN_SECRET_BYTES]);

/* At start. Errors: ERR_STORE_*. */
int agent_token_load(struct agent *a, struct err *e);

/* The API's functions. */
struct agent_task *agent_token_create(void *ctx, int64_t expires_s, const struct agent_sink *sink);
int agent_token_list(void *ctx, struct value **ret, struct err *e);
struct agent_task *agent_token_revoke(void *ctx, const char *id, const struct agent_sink *sink);

/* GA_REDEEM: a joiner who knew the secret. Takes nothing over; answers with GE_REDEEMED. */
void agent_token_redeem(struct agent *a, uint64_t number, const struct buf *request);

#endif

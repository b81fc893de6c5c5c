/* token.h: what an operator pastes on a new host, so that it may join.
 *
 * One line of letters, digits, '-', '.', ',', ':' and '_', which no shell changes:
 *
 *   KARD1-<creator>-<id>-<secret>-<cluster>-<seeds>-<check>
 *
 *   creator  id of the node that made the token and alone can redeem it (32 hex digits)
 *   id       which token (16)
 *   secret   the pre-shared key of the handshake (64); never sent, in no form
 *   cluster  hash of the genesis key: what is joined (32)
 *   seeds    1 to TOKEN_SEEDS_MAX addresses to try, with commas: 10.0.0.1 or fd00::1 at port 8747,
 *            10.0.0.1_8750 at another
 *   check    first 4 bytes of BLAKE2b-128("kar token 1" ‖ 0 ‖ all before the last '-') (8): says
 *            "not pasted wholly" before anybody is asked; it is no secret and keeps nobody out
 *
 * Hexadecimal is lower case, addresses are in canonical form: a token has one text. */
#ifndef KAR_GOSSIP_TOKEN_H
#define KAR_GOSSIP_TOKEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "gossip/view.h"

enum {
    TOKEN_ID_BYTES = 8,
    TOKEN_SECRET_BYTES = 32,
    TOKEN_SEEDS_MAX = 8,
    TOKEN_TEXT_MAX = 768, /* 6 + 33 + 17 + 65 + 33 + 8 · (45 + 1 + 5 + 1) + 9 fit */
};

struct token {
    node_id creator;
    uint8_t id[TOKEN_ID_BYTES];
    uint8_t secret[TOKEN_SECRET_BYTES];
    cluster_id cluster;
    struct endpoint seeds[TOKEN_SEEDS_MAX];
    size_t seeds_n;
};

/* Space around the text is forgiven, nothing else. *ret is untouched on failure; the texts of
 * errors never show the secret. Errors: ERR_SYNTAX. */
int token_parse(const char *text, struct token *ret, struct err *e);
/* The text, appended; the caller wipes it. seeds_n is 1 to TOKEN_SEEDS_MAX. */
void token_format(const struct token *t, struct buf *ret);

#endif

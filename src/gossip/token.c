/* token.c: the text of a token, written and read. Knows nothing of what it is good for. */
#include "gossip/token.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/step.h"

static const char token_prefix[] = "KARD1";
enum { PREFIX_N = sizeof(token_prefix) - 1, CHECK_BYTES = 4, CHECK_HEX = 2 * CHECK_BYTES };

/* The parts between the dashes; the seeds stand after them, the check at the end. */
enum { PART_CREATOR, PART_ID, PART_SECRET, PART_CLUSTER, PARTS };
static const struct {
    const char *name;
    size_t bytes;
} token_parts[PARTS] = {
    [PART_CREATOR] = {"the creator's id", ID_BYTES},
    [PART_ID] = {"the token's id", TOKEN_ID_BYTES},
    [PART_SECRET] = {"the secret", TOKEN_SECRET_BYTES},
    [PART_CLUSTER] = {"the cluster's id", ID_BYTES},
};

static void token_check(const char *text, size_t n, char ret_hex[CHECK_HEX + 1])
{
    static const char context[] = "kar token 1"; /* with its zero byte */
    const struct crypto_piece pieces[] = {{context, sizeof(context)}, {text, n}};
    uint8_t digest[ID_BYTES];
    crypto_digest_pieces(digest, sizeof(digest), pieces, ARRAY_LEN(pieces));
    hex_encode(digest, CHECK_BYTES, ret_hex);
}

static void seed_format(const struct endpoint *at, struct buf *ret)
{
    char ip[IP_TEXT];
    buf_add_str(ret, ip_format(&at->ip, ip));
    if (at->port != GOSSIP_PORT)
        buf_printf(ret, "_%u", at->port);
}

void token_format(const struct token *t, struct buf *ret)
{
    assert(t->seeds_n >= 1 && t->seeds_n <= TOKEN_SEEDS_MAX);
    size_t start = ret->n;
    const uint8_t *bytes[PARTS] = {[PART_CREATOR] = t->creator.b,
        [PART_ID] = t->id,
        [PART_SECRET] = t->secret,
        [PART_CLUSTER] = t->cluster.b};
    char hex[2 * TOKEN_SECRET_BYTES + 1], check[CHECK_HEX + 1];
    buf_add_str(ret, token_prefix);
    for (size_t i = 0; i < PARTS; i++) {
        buf_add_byte(ret, '-');
        buf_add_str(ret, hex_encode(bytes[i], token_parts[i].bytes, hex));
    }
    for (size_t i = 0; i < t->seeds_n; i++) {
        buf_add_byte(ret, i == 0 ? '-' : ',');
        seed_format(&t->seeds[i], ret);
    }
    token_check((const char *)ret->p + start, ret->n - start, check);
    buf_add_byte(ret, '-');
    buf_add_str(ret, check);
    assert(ret->n - start < TOKEN_TEXT_MAX);
    crypto_wipe(hex, sizeof(hex));
}

static int token_bad(struct err *e, const char *why_)
{
    return err_set(e, ERR_SYNTAX, what("this is not a whole token"), why_,
        fix("paste the line that karctl token create printed, all of it"));
}

/* Five digits at most, no leading zero: one text for a port. */
static bool port_parse(const char *p, size_t n, uint16_t *ret)
{
    unsigned long port = 0;
    if (n == 0 || n > 5 || p[0] == '0')
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        port = port * 10 + (unsigned long)(p[i] - '0');
    }
    if (port > UINT16_MAX || port == GOSSIP_PORT)
        return false;
    *ret = (uint16_t)port;
    return true;
}

static bool seed_parse(const char *p, size_t n, struct endpoint *ret)
{
    char text[IP_TEXT], again[IP_TEXT];
    struct endpoint at = {.port = GOSSIP_PORT};
    const char *port = memchr(p, '_', n);
    size_t ip_n = port ? (size_t)(port - p) : n;
    if (ip_n >= sizeof(text) || (port && !port_parse(port + 1, n - ip_n - 1, &at.port)))
        return false;
    memcpy(text, p, ip_n);
    text[ip_n] = 0;
    if (strlen(text) != ip_n || ip_parse(text, &at.ip) < 0)
        return false;
    if (strcmp(ip_format(&at.ip, again), text) != 0)
        return false;
    *ret = at;
    return true;
}

static int seeds_parse(const char *p, size_t n, struct token *ret, struct err *e)
{
    for (;;) {
        const char *comma = memchr(p, ',', n);
        size_t seed_n = comma ? (size_t)(comma - p) : n;
        if (ret->seeds_n == TOKEN_SEEDS_MAX)
            return token_bad(e, why("it names more than %d addresses", TOKEN_SEEDS_MAX));
        if (!seed_parse(p, seed_n, &ret->seeds[ret->seeds_n]))
            return token_bad(e, why("address %zu in it is none", ret->seeds_n + 1));
        ret->seeds_n++;
        if (!comma)
            return 0;
        p = comma + 1;
        n -= seed_n + 1;
    }
}

/* Takes "-" and the digits of one part. */
static int part_parse(
    const char **p, const char *end, size_t part, uint8_t *ret_bytes, struct err *e)
{
    size_t n = 2 * token_parts[part].bytes;
    char hex[2 * TOKEN_SECRET_BYTES + 1];
    const char *at = *p;
    if ((size_t)(end - at) < 1 + n)
        return token_bad(e, why("it ends within %s", token_parts[part].name));
    memcpy(hex, at + 1, n);
    hex[n] = 0;
    int r = at[0] == '-' ? hex_decode(hex, ret_bytes, token_parts[part].bytes) : -ERR_SYNTAX;
    crypto_wipe(hex, sizeof(hex));
    if (r < 0)
        return token_bad(
            e, why("%s is not %zu hexadecimal digits after a dash", token_parts[part].name, n));
    *p += 1 + n;
    return 0;
}

/* What every token has, before its parts are looked at. Cuts the check off. */
static int frame_parse(const char *text, size_t *n, struct err *e)
{
    if (*n >= TOKEN_TEXT_MAX)
        return token_bad(e, why("it is longer than any token"));
    if (*n < 4 || memcmp(text, token_prefix, 4) != 0)
        return token_bad(e, why("a token begins with %s-", token_prefix));
    if (*n < PREFIX_N + 1 || memcmp(text, token_prefix, PREFIX_N) != 0 || text[PREFIX_N] != '-')
        return err_set(e, ERR_SYNTAX, what("this version of kar does not know such a token"),
            why("it begins with %.6s, this version reads %s-", *n < 6 ? "KARD" : text,
                token_prefix),
            fix("install the version of kar that the cluster runs"));
    for (size_t i = 0; i < *n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-.,:_", text[i]))
            return token_bad(e, why("character %zu does not belong into a token", i + 1));
    if (*n < PREFIX_N + 1 + CHECK_HEX || text[*n - CHECK_HEX - 1] != '-')
        return token_bad(e, why("its end is missing"));
    char check[CHECK_HEX + 1];
    size_t body_n = *n - CHECK_HEX - 1;
    token_check(text, body_n, check);
    if (memcmp(check, text + body_n + 1, CHECK_HEX) != 0)
        return token_bad(e, why("its check digits do not fit: something is missing or altered"));
    *n = body_n;
    return 0;
}

/* Upper-case digits and the like: what is not written so by token_format. */
static bool token_is_canonical(const struct token *t, const char *text, size_t n)
{
    struct buf again = BUF_INIT;
    token_format(t, &again);
    bool same = again.n == n + 1 + CHECK_HEX && memcmp(again.p, text, again.n) == 0;
    crypto_wipe(again.p, again.n);
    buf_done(&again);
    return same;
}

int token_parse(const char *text, struct token *ret, struct err *e)
{
    struct token t = {0};
    uint8_t *bytes[PARTS] = {[PART_CREATOR] = t.creator.b,
        [PART_ID] = t.id,
        [PART_SECRET] = t.secret,
        [PART_CLUSTER] = t.cluster.b};
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strnlen(text, (size_t)4 * TOKEN_TEXT_MAX);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    int r = frame_parse(text, &n, e);
    const char *p = text + PREFIX_N, *end = text + n;
    for (size_t i = 0; i < PARTS && r == 0; i++)
        r = part_parse(&p, end, i, bytes[i], e);
    if (r == 0 && (p == end || *p != '-'))
        r = token_bad(e, why("it names no address to join at"));
    if (r == 0)
        r = seeds_parse(p + 1, (size_t)(end - p - 1), &t, e);
    if (r == 0 && !token_is_canonical(&t, text, n))
        r = token_bad(e, why("it is not written as a token is"));
    if (r == 0)
        *ret = t;
    crypto_wipe(&t, sizeof(t));
    return r;
}

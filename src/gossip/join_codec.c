/* join_codec.c: the bytes of joining: what a joiner asks, and what it is answered. */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/join_inner.h"

static const char session_context[] = "kar session 1"; /* signed with its zero byte */
enum { SESSION_SIGNED = sizeof(session_context) + DH_BYTES };

static void session_signed(const struct dh_public *session, uint8_t ret[SESSION_SIGNED])
{
    memcpy(ret, session_context, sizeof(session_context));
    memcpy(ret + sizeof(session_context), session->b, DH_BYTES);
}

void session_key_sign(const struct key_secret *identity, const struct dh_public *session,
    uint8_t ret_signature[SIGNATURE_BYTES])
{
    uint8_t m[SESSION_SIGNED];
    session_signed(session, m);
    crypto_sign_message(identity, m, sizeof(m), ret_signature);
}

bool session_key_verify(const struct key_public *identity, const struct dh_public *session,
    const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t m[SESSION_SIGNED];
    session_signed(session, m);
    return crypto_verify(identity, m, sizeof(m), signature);
}

node_id join_node_id(const struct key_public *key)
{
    node_id id;
    crypto_digest(id.b, sizeof(id.b), key->b, sizeof(key->b));
    return id;
}

static void add_endpoints(struct buf *b, const struct endpoint *v, size_t n)
{
    assert(n <= MEMBER_ENDPOINTS_MAX);
    bytes_add_u8(b, (uint8_t)n);
    for (size_t i = 0; i < n; i++)
        bytes_add_endpoint(b, &v[i]);
}

static void take_endpoints(struct bytes *in, struct endpoint v[MEMBER_ENDPOINTS_MAX], size_t *ret_n)
{
    size_t n = bytes_u8(in);
    if (n > MEMBER_ENDPOINTS_MAX)
        in->bad = true;
    for (size_t i = 0; i < n && !in->bad; i++) {
        bytes_endpoint(in, &v[i]);
        if (v[i].ip.family == 0)
            in->bad = true;
    }
    *ret_n = in->bad ? 0 : n;
}

/* --- what is asked ---------------------------------------------------------------------------- */

void join_plea_encode(const struct join_request *r, struct buf *ret)
{
    size_t name_n = strnlen(r->name, JOIN_NAME_MAX);
    buf_add(ret, r->key.b, sizeof(r->key.b));
    buf_add(ret, r->session_signature, sizeof(r->session_signature));
    bytes_add_u8(ret, (uint8_t)name_n);
    buf_add(ret, r->name, name_n);
    add_endpoints(ret, r->at, r->at_n);
}

/* A name is for the agent to judge; here it only has to be text. */
static void take_name(struct bytes *in, char ret[JOIN_NAME_MAX + 1])
{
    size_t n = bytes_u8(in);
    if (n == 0 || n > JOIN_NAME_MAX)
        in->bad = true;
    const uint8_t *p = bytes_take(in, n);
    for (size_t i = 0; p && i < n; i++)
        if (p[i] < 0x21 || p[i] > 0x7e)
            in->bad = true;
    if (p && !in->bad)
        memcpy(ret, p, n);
}

static void take_plea(struct bytes *in, struct join_request *ret)
{
    bytes_copy(in, ret->key.b, sizeof(ret->key.b));
    bytes_copy(in, ret->session_signature, sizeof(ret->session_signature));
    take_name(in, ret->name);
    take_endpoints(in, ret->at, &ret->at_n);
}

int join_plea_decode(const uint8_t *p, size_t n, struct join_request *ret)
{
    struct join_request r = {0};
    struct bytes in = {.p = p, .n = n};
    take_plea(&in, &r);
    if (!bytes_end(&in))
        return -ERR_SYNTAX;
    *ret = r;
    return 0;
}

void join_request_encode(const struct join_request *r, struct buf *ret)
{
    buf_add(ret, r->token, sizeof(r->token));
    buf_add(ret, r->session.b, sizeof(r->session.b));
    bytes_add_endpoint(ret, &r->from);
    join_plea_encode(r, ret);
}

int join_request_decode(const uint8_t *p, size_t n, struct join_request *ret)
{
    struct join_request r = {0};
    struct bytes in = {.p = p, .n = n};
    bytes_copy(&in, r.token, sizeof(r.token));
    bytes_copy(&in, r.session.b, sizeof(r.session.b));
    bytes_endpoint(&in, &r.from);
    take_plea(&in, &r);
    if (!bytes_end(&in))
        return -ERR_SYNTAX;
    *ret = r;
    return 0;
}

/* --- what is answered ------------------------------------------------------------------------- */

static void add_member(struct buf *b, const struct member_record *m)
{
    buf_add(b, m->key.b, sizeof(m->key.b));
    buf_add(b, m->session.b, sizeof(m->session.b));
    add_endpoints(b, m->at, m->at_n);
}

static void take_member(struct bytes *in, struct member_record *ret)
{
    bytes_copy(in, ret->key.b, sizeof(ret->key.b));
    bytes_copy(in, ret->session.b, sizeof(ret->session.b));
    take_endpoints(in, ret->at, &ret->at_n);
    ret->id = join_node_id(&ret->key);
}

void join_admission_encode(
    const struct join_admission *a, const struct change *admission, struct buf *ret)
{
    struct buf change = BUF_INIT;
    change_encode(admission, &change);
    bytes_add_u16(ret, 0);
    buf_add(ret, a->genesis.b, sizeof(a->genesis.b));
    bytes_add_u32(ret, (uint32_t)change.n);
    buf_add(ret, change.p, change.n);
    bytes_add_u8(ret, (uint8_t)a->members_n);
    for (size_t i = 0; i < a->members_n; i++)
        add_member(ret, &a->members[i]);
    buf_done(&change);
}

void join_refusal_encode(int code, const uint8_t *text, size_t n, struct buf *ret)
{
    bytes_add_u16(ret, (uint16_t)-code);
    buf_add(ret, text, n < JOIN_TEXT_MAX ? n : JOIN_TEXT_MAX);
}

int join_answer_decode(
    const uint8_t *p, size_t n, struct join_admission *ret, struct join_refusal *ret_refusal)
{
    struct join_admission a = {0};
    struct bytes in = {.p = p, .n = n};
    unsigned code = bytes_u16(&in);
    if (in.bad || code >= ERR_COUNT)
        return -ERR_SYNTAX;
    if (code != 0) {
        ret_refusal->code = (enum err_code)code;
        ret_refusal->text = in.p;
        ret_refusal->n = in.n;
        return -ERR_DENIED;
    }
    bytes_copy(&in, a.genesis.b, sizeof(a.genesis.b));
    crypto_digest(a.cluster.b, sizeof(a.cluster.b), a.genesis.b, sizeof(a.genesis.b));
    size_t change_n = bytes_u32(&in);
    const uint8_t *change = bytes_take(&in, change_n);
    a.members_n = bytes_u8(&in);
    if (a.members_n > JOIN_MEMBERS_MAX)
        in.bad = true;
    for (size_t i = 0; i < a.members_n && !in.bad; i++)
        take_member(&in, &a.members[i]);
    if (!bytes_end(&in) || change_decode(change, change_n, &a.change, NULL) < 0)
        return -ERR_SYNTAX;
    *ret = a;
    return 0;
}

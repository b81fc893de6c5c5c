/* record_fuzz.c: what the store and other nodes hand us. The first byte says what the rest is:
 *
 *   c  a change         decoded, it encodes to the same bytes
 *   s  a ledger's slot  the same
 *   p  a plan, as JSON  read, it is written and read as the same plan
 *   o  objects, as JSON sealed into a change, which every node decodes, verifies, applies twice and
 *                       claims for: no node may choke on what another one sealed
 */
#include <string.h>

#include "fuzz.h"
#include "intent/change.h"
#include "intent/intent.h"
#include "intent/ledger.h"
#include "netcfg/plan.h"

static void fuzz_change(const uint8_t *p, size_t n)
{
    struct change *c = NULL;
    struct err e = {0};
    struct buf b = BUF_INIT;
    if (change_decode(p, n, &c, &e) < 0) {
        FUZZ_CHECK(c == NULL && e.code != ERR_OK && e.what[0]);
        return;
    }
    change_encode(c, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    buf_done(&b);
    change_free(c);
}

static void fuzz_slot(const uint8_t *p, size_t n)
{
    struct slot s = {0};
    struct err e = {0};
    struct buf b = BUF_INIT;
    if (slot_decode(p, n, &s, &e) < 0) {
        FUZZ_CHECK(e.code != ERR_OK && e.what[0]);
        return;
    }
    slot_encode(&s, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    struct ledger *l = ledger_new();
    FUZZ_CHECK(
        (ledger_apply(l, &s, &e) == 0) == (s.number == 1 && hex_is_zero(s.prev, sizeof(s.prev))));
    for (size_t i = 0; i < s.removals.n; i++)
        ledger_stream_limit(l, &s.removals.v[i].node, 1);
    ledger_free(l);
    slot_done(&s);
    buf_done(&b);
}

static void fuzz_plan(const struct value *v)
{
    struct plan plan = {0}, again = {0};
    struct err e = {0};
    char text[KOP_TEXT];
    if (plan_from_value(v, &plan, &e) < 0) {
        FUZZ_CHECK(e.code != ERR_OK && e.what[0]);
        return;
    }
    for (size_t i = 0; i < plan.n; i++)
        FUZZ_CHECK(*kop_format(&plan.v[i], text));
    struct value *one = plan_to_value(&plan), *two;
    FUZZ_CHECK(plan_from_value(one, &again, &e) == 0);
    two = plan_to_value(&again);
    FUZZ_CHECK(value_equal(one, two));
    value_free(one);
    value_free(two);
    plan_done(&plan);
    plan_done(&again);
}

/* --- objects ---------------------------------------------------------------------------------- */

static struct key_public pub;
static struct key_secret sec;

static void make_key(void)
{
    static const uint8_t seed[32] = {8, 7, 4, 7};
    static bool made;
    if (!made)
        crypto_keypair_from_seed(seed, &pub, &sec);
    made = true;
}

/* Each element that is an object's record becomes an operation. */
static struct change *change_of(const struct value *list, uint64_t seq)
{
    struct change *c = change_new();
    c->stream = 7;
    c->seq = seq;
    c->hlc = seq << 16;
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct object *o;
        rev_id base = {{(uint8_t)i}};
        if (object_from_value(list->v[i], &o, NULL) < 0)
            continue;
        if (value_get(list->v[i], "delete")) {
            change_add_delete(c, &o->id, o->kind, o->name, &base, 1);
            object_free(o);
        } else {
            change_add_put(c, o, &base, i % 2);
        }
    }
    return c;
}

/* Sealed here, it must be read and verified everywhere, to the byte. */
static void check_sealed(const struct change *c)
{
    struct buf one = BUF_INIT, two = BUF_INIT;
    struct change *back = NULL;
    struct err e = {0};
    change_encode(c, &one);
    FUZZ_CHECK(change_decode(one.p, one.n, &back, &e) == 0);
    FUZZ_CHECK(ID_EQ(&back->id, &c->id));
    FUZZ_CHECK(change_verify(back, &pub, &e) == 0);
    change_encode(back, &two);
    FUZZ_CHECK(one.n == two.n && memcmp(one.p, two.p, one.n) == 0);
    change_free(back);
    buf_done(&one);
    buf_done(&two);
}

/* What the acceptor decides can be sent, and read, and said. */
static void check_decision(const struct ledger *l, const struct intent *in, const struct change *c)
{
    struct slot s = {0}, back = {0};
    struct err e = {0};
    struct buf b = BUF_INIT;
    bool needed = ledger_decide(l, in, c, &s);
    FUZZ_CHECK(s.granted || (needed && refusal_explain(&s.refusal, in, c, &e) < 0 && e.what[0]));
    slot_encode(&s, &b);
    FUZZ_CHECK(slot_decode(b.p, b.n, &back, &e) == 0);
    slot_done(&s);
    slot_done(&back);
    buf_done(&b);
}

static void check_claims(struct ledger *l, const struct intent *in, const struct change *c)
{
    struct slot s = {0}, back = {0};
    struct err e = {0};
    struct buf b = BUF_INIT;
    check_decision(l, in, c);
    if (ledger_propose(l, in, c, &s, &e) < 0) {
        FUZZ_CHECK(e.code != ERR_OK && e.what[0]);
        return;
    }
    slot_encode(&s, &b);
    FUZZ_CHECK(slot_decode(b.p, b.n, &back, &e) == 0);
    if (s.claims.n > 0 || s.freed.n > 0)
        FUZZ_CHECK(ledger_apply(l, &back, &e) == 0);
    slot_done(&s);
    slot_done(&back);
    buf_done(&b);
}

static void check_intent(const struct intent *in)
{
    const struct object *o;
    char title[OBJECT_TITLE];
    size_t n = 0;
    for (size_t i = 0; (o = intent_each(in, -1, &i)); n++) {
        FUZZ_CHECK(*object_title(o, title));
        FUZZ_CHECK(intent_get(in, &o->id) == o);
        intent_on_node(in, o, "n1");
    }
    FUZZ_CHECK(n == intent_count(in));
}

/* Two lists of records: the first change and the second. */
static void fuzz_objects(const struct value *list)
{
    struct intent *in = intent_new();
    struct ledger *l = ledger_new();
    make_key();
    for (uint64_t seq = 1; seq <= 2; seq++) {
        const struct value *part = value_is(list, VALUE_LIST) && seq <= list->n ? list->v[seq - 1]
                                                                                : NULL;
        struct change *c = change_of(part, seq);
        struct err e = {0};
        if (change_seal(c, &sec, &e) < 0) {
            FUZZ_CHECK(e.code != ERR_OK && e.what[0]);
        } else {
            check_sealed(c);
            check_claims(l, in, c);
            intent_apply(in, c);
            size_t count = intent_count(in);
            intent_apply(in, c); /* twice counts once */
            FUZZ_CHECK(intent_count(in) == count);
            check_intent(in);
        }
        change_free(c);
    }
    ledger_free(l);
    intent_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct value *v = NULL;
    if (n == 0)
        return 0;
    if (p[0] == 'c') {
        fuzz_change(p + 1, n - 1);
    } else if (p[0] == 's') {
        fuzz_slot(p + 1, n - 1);
    } else if (value_from_json((const char *)p + 1, n - 1, &v, NULL) == 0) {
        if (p[0] == 'p')
            fuzz_plan(v);
        else
            fuzz_objects(v);
        value_free(v);
    }
    return 0;
}

/* join_fuzz.c: the payloads of joining, by a joiner or a creator who lies. The first byte says
 * which. What is accepted is the only form of what it says. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fuzz.h"
#include "gossip/join_inner.h"

static void plea(const uint8_t *p, size_t n)
{
    struct join_request r;
    struct buf b = BUF_INIT;
    if (join_plea_decode(p, n, &r) < 0)
        return;
    FUZZ_CHECK(r.at_n <= MEMBER_ENDPOINTS_MAX && strlen(r.name) >= 1);
    join_plea_encode(&r, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    buf_done(&b);
}

static void request(const uint8_t *p, size_t n)
{
    struct join_request r;
    struct buf b = BUF_INIT;
    if (join_request_decode(p, n, &r) < 0)
        return;
    join_request_encode(&r, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    buf_done(&b);
}

static void answer(const uint8_t *p, size_t n)
{
    struct join_admission a;
    struct join_refusal refusal;
    struct buf b = BUF_INIT;
    int r = join_answer_decode(p, n, &a, &refusal);
    if (r == -ERR_DENIED) {
        FUZZ_CHECK(refusal.code > 0 && refusal.code < ERR_COUNT);
        FUZZ_CHECK(refusal.text + refusal.n == p + n);
        return;
    }
    FUZZ_CHECK(r == 0 || r == -ERR_SYNTAX);
    if (r < 0)
        return;
    FUZZ_CHECK(a.change && a.members_n <= JOIN_MEMBERS_MAX);
    join_admission_encode(&a, a.change, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    change_free(a.change);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 1)
        return 0;
    if (p[0] % 3 == 0)
        plea(p + 1, n - 1);
    else if (p[0] % 3 == 1)
        request(p + 1, n - 1);
    else
        answer(p + 1, n - 1);
    return 0;
}

/* What rides on probes so that two members see whether they say the same of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gossip/member_inner.h"

static bool view_empty(void *ctx, size_t *cursor, struct member_record *ret)
{
    (void)ctx, (void)cursor, (void)ret;
    return false;
}

static void draw(void *ctx, void *p, size_t n)
{
    (void)ctx;
    memset(p, 7, n);
}

/* As protocol.md has it, computed by another program: the same on every machine. */
static void the_digest_is_the_protocols(void **state)
{
    (void)state;
    const struct gossip_view view = {.member_each = view_empty};
    struct member_options opt = {.epoch = 3, .view = &view, .random = draw};
    for (uint8_t i = 0; i < ID_BYTES; i++)
        opt.self.b[i] = (uint8_t)(i + 1);
    struct members *m = members_new(&opt, 1000);
    assert_true(members_digest(m) == UINT64_C(0xdd2b48b271db25ea));
    members_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_the_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* msgpack_fuzz.c: records of anybody. What is accepted is the only form of its value. */
#include <string.h>

#include "fuzz.h"
#include "intent/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct value *v = NULL, *again = NULL;
    struct buf b = BUF_INIT;
    struct err e = {0};
    if (value_from_msgpack(p, n, &v, &e) < 0) {
        FUZZ_CHECK(v == NULL && e.code != ERR_OK && e.what[0]);
        return 0;
    }
    value_to_msgpack(v, &b);
    FUZZ_CHECK(b.n == n && memcmp(b.p, p, n) == 0);
    FUZZ_CHECK(value_from_msgpack(b.p, b.n, &again, &e) == 0);
    FUZZ_CHECK(value_equal(v, again));
    value_free(v);
    value_free(again);
    buf_done(&b);
    return 0;
}

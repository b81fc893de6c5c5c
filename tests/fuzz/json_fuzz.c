/* json_fuzz.c: JSON of anybody. What is accepted comes back the same from each codec. */
#include "fuzz.h"
#include "intent/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct value *v = NULL, *json = NULL, *packed = NULL;
    struct buf b = BUF_INIT;
    struct err e = {0};
    if (value_from_json((const char *)p, n, &v, &e) < 0) {
        FUZZ_CHECK(v == NULL && e.code != ERR_OK && e.what[0]);
        return 0;
    }
    value_to_json(v, (unsigned)(n % 5), &b);
    FUZZ_CHECK(value_from_json((const char *)b.p, b.n, &json, &e) == 0);
    FUZZ_CHECK(value_equal(v, json));
    buf_clear(&b);
    value_to_msgpack(v, &b);
    FUZZ_CHECK(value_from_msgpack(b.p, b.n, &packed, &e) == 0);
    FUZZ_CHECK(value_equal(v, packed));
    value_free(v);
    value_free(json);
    value_free(packed);
    buf_done(&b);
    return 0;
}

/* fuzz.h: what a fuzzer offers, to libFuzzer or to replay.c. */
#ifndef KAR_TESTS_FUZZ_H
#define KAR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Unlike assert it says what should have held, and is there whatever the build. */
#define FUZZ_CHECK(x)                                               \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                \
        }                                                           \
    } while (0)

#endif

/* token_fuzz.c: whatever somebody pastes. What is accepted has one text, and no error shows the
 * secret. An input is tried as it is, and with fitting check digits, so that the parts are reached.
 */
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gossip/token.h"

static void try_text(const char *text)
{
    struct token t = {0};
    struct buf again = BUF_INIT;
    struct err e = {0};
    if (token_parse(text, &t, &e) < 0) {
        FUZZ_CHECK(e.code == ERR_SYNTAX && e.what[0] && e.why[0] && e.fix[0]);
        FUZZ_CHECK(hex_is_zero(t.secret, sizeof(t.secret)));
        return;
    }
    FUZZ_CHECK(t.seeds_n >= 1 && t.seeds_n <= TOKEN_SEEDS_MAX);
    token_format(&t, &again);
    FUZZ_CHECK(strstr(text, buf_cstr(&again)) != NULL); /* but for space around it */
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char context[] = "kar token 1";
    static bool ready;
    char *text = mem_strndup((const char *)p, n);
    const struct crypto_piece pieces[] = {{context, sizeof(context)}, {text, strlen(text)}};
    uint8_t digest[16];
    char hex[9];
    if (!ready)
        FUZZ_CHECK(crypto_init() == 0);
    ready = true;
    try_text(text);
    crypto_digest_pieces(digest, sizeof(digest), pieces, 2);
    char *checked = mem_printf("%s-%s", text, hex_encode(digest, 4, hex));
    try_text(checked);
    free(checked);
    free(text);
    return 0;
}

/* frame_fuzz.c: bytes of streams by anybody. The first byte says how the rest is cut; however that
 * is, the same frames come out, and what is kept stays bounded. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gossip/frame.h"
#include "gossip/outbox.h"

/* Reads a packet's plaintext as messages: what every authentic packet meets first. */
static void read_messages(const uint8_t *p, size_t n)
{
    const uint8_t *start = p;
    size_t all = n;
    struct message m;
    bool bad = false;
    while (message_next(&p, &n, &m, &bad)) {
        FUZZ_CHECK(m.body >= start && m.body + m.n <= start + all);
        FUZZ_CHECK(m.body + m.n == p);
    }
    FUZZ_CHECK(bad || n == 0);
}

/* The digest of all frames, and whether the stream was refused. */
static int read_stream(const uint8_t *p, size_t n, size_t cut, struct buf *ret)
{
    static const struct endpoint at = {.ip = {.family = 4}, .port = 1};
    struct streams s = {0};
    struct gossip_actions l = {0};
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i += cut) {
        struct stream *st = streams_incoming(&s, STREAM_IN | 1, &at, 0, &l);
        const uint8_t *piece = p + i, *packet;
        size_t piece_n = n - i < cut ? n - i : cut, packet_n;
        while ((r = stream_take(st, &piece, &piece_n, &packet, &packet_n)) == 0 && packet) {
            FUZZ_CHECK(packet_n > 0 && packet_n <= GOSSIP_FRAME_MAX);
            buf_add(ret, &packet_n, sizeof(packet_n));
            buf_add(ret, packet, packet_n);
            read_messages(packet, packet_n);
        }
        FUZZ_CHECK(r == 0 || r == -ERR_SYNTAX);
        FUZZ_CHECK(r < 0 || piece_n == 0);
        FUZZ_CHECK(st->in.n <= GOSSIP_FRAME_MAX + FRAME_HEAD);
    }
    streams_done(&s);
    gossip_actions_done(&l);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    if (n < 1)
        return 0;
    int r = read_stream(p + 1, n - 1, n, &whole);
    FUZZ_CHECK(read_stream(p + 1, n - 1, (size_t)p[0] + 1, &cut) == r);
    FUZZ_CHECK(whole.n == cut.n && (whole.n == 0 || memcmp(whole.p, cut.p, cut.n) == 0));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}

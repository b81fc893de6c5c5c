/* packet.c: which datagram is what, by its first bytes and its length. */
#include "gossip/packet.h"

#include <string.h>

#include "base/mem.h"

static const struct {
    enum packet_type type;
    size_t min, max;
} shapes[] = {
    {PACKET_INITIATION, PACKET_INITIATION_BYTES, PACKET_INITIATION_BYTES},
    {PACKET_RESPONSE, PACKET_RESPONSE_BYTES, PACKET_RESPONSE_BYTES},
    {PACKET_COOKIE, PACKET_COOKIE_BYTES, PACKET_COOKIE_BYTES},
    {PACKET_TRANSPORT, PACKET_TRANSPORT_MORE, GOSSIP_FRAME_MAX},
    {PACKET_UNKNOWN, PACKET_UNKNOWN_BYTES, PACKET_UNKNOWN_BYTES},
    {PACKET_INTRODUCTION, PACKET_INITIATION_BYTES + 1, GOSSIP_DATAGRAM_MAX},
    {PACKET_HELLO, PACKET_HELLO_BYTES, PACKET_HELLO_BYTES},
    {PACKET_ANSWER, PACKET_ANSWER_MORE, PACKET_HELLO_BYTES},
    {PACKET_REQUEST, PACKET_REQUEST_MORE, GOSSIP_DATAGRAM_MAX},
    {PACKET_JOINED, PACKET_JOINED_MORE, GOSSIP_DATAGRAM_MAX},
};

enum packet_type packet_type(const uint8_t *p, size_t n)
{
    static const uint8_t zeros[3];
    if (n < 4 || memcmp(p + 1, zeros, sizeof(zeros)) != 0)
        return PACKET_NONE;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (shapes[i].type == p[0])
            return n >= shapes[i].min && n <= shapes[i].max ? shapes[i].type : PACKET_NONE;
    return PACKET_NONE;
}

bool packet_is_join(const uint8_t *p, size_t n, node_id *ret_creator)
{
    if (packet_type(p, n) < PACKET_HELLO)
        return false;
    memcpy(ret_creator->b, p + 4, ID_BYTES);
    return true;
}

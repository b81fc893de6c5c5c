/* packet.h: the datagrams of kar, byte by byte; docs/protocol.md says the same in prose.
 *
 * The first byte is the type, three zero bytes follow. Numbers are big-endian. `index` is a random
 * number by which whoever is to read the packet finds the keys (WireGuard §5.4.2); nothing in a
 * packet says in the clear who speaks.
 *
 *   INITIATION  1 0 0 0 │ sender 4 │ e 32 │ s 32+16 │ caller 28+16 │ mac1 16 │ mac2 16       = 164
 *   RESPONSE    2 0 0 0 │ receiver 4 │ e 32 │ (verdict 1 ‖ sender 4)+16 │ mac1 16          = 77
 *   COOKIE      3 0 0 0 │ receiver 4 │ nonce 24 │ cookie 16+16                               = 64
 *   TRANSPORT   4 0 0 0 │ receiver 4 │ counter 8 │ messages n+16                             ≥ 32
 *   UNKNOWN     5 0 0 0 │ receiver 4 │ counter 8: echo of a TRANSPORT whose keys are gone    = 16
 *   INTRODUCTION 6 0 0 0 │ like INITIATION, but (caller ‖ a change)+16                       > 164
 *
 *   HELLO       8 0 0 0 │ creator 16 │ sender 4 │ token 8 │ e 32 │ zeros 160+16 │ mac 16    = 256
 *   ANSWER      9 0 0 0 │ creator 16 │ receiver 4 │ sender 4 │ e 32 │ s 32+16 │ n+16 │ mac 16
 *   REQUEST    10 0 0 0 │ creator 16 │ receiver 4 │ s 32+16 │ n+16 │ mac 16
 *   JOINED     11 0 0 0 │ creator 16 │ receiver 4 │ counter 8 │ n+16
 *
 * 1 to 6 are a session between members (session.h), 8 to 11 those of joining (session_join.h).
 * A stream carries TRANSPORT only. No packet is answered by a longer one before it was proven
 * authentic: 164 → 77 or 64, 32 → 16, 256 → ANSWER, whose payload is bounded for it. */
#ifndef KAR_GOSSIP_PACKET_H
#define KAR_GOSSIP_PACKET_H

#include "base/crypto.h"
#include "base/id.h"
#include "gossip/step.h"

enum packet_type {
    PACKET_NONE = 0, /* none of ours */
    PACKET_INITIATION = 1,
    PACKET_RESPONSE = 2,
    PACKET_COOKIE = 3,
    PACKET_TRANSPORT = 4,
    PACKET_UNKNOWN = 5,
    PACKET_INTRODUCTION = 6,
    PACKET_HELLO = 8,
    PACKET_ANSWER = 9,
    PACKET_REQUEST = 10,
    PACKET_JOINED = 11,
};

enum {
    PACKET_INDEX_BYTES = 4,
    PACKET_MAC_BYTES = 16,
    PACKET_CALLER_BYTES = ID_BYTES + 12, /* who calls ‖ epoch (4) ‖ count (8), see session.h */
    PACKET_INITIATION_BYTES = 8 + DH_BYTES + DH_BYTES + AEAD_TAG_BYTES + PACKET_CALLER_BYTES +
                              AEAD_TAG_BYTES + 2 * PACKET_MAC_BYTES,
    PACKET_INTRODUCED_MAX = GOSSIP_DATAGRAM_MAX - PACKET_INITIATION_BYTES, /* the change */
    PACKET_RESPONSE_BYTES = 8 + DH_BYTES + 5 + AEAD_TAG_BYTES + PACKET_MAC_BYTES,
    PACKET_COOKIE_BYTES = 8 + 24 + PACKET_MAC_BYTES + AEAD_TAG_BYTES,
    PACKET_TRANSPORT_HEAD = 16,
    PACKET_TRANSPORT_MORE = PACKET_TRANSPORT_HEAD + AEAD_TAG_BYTES, /* a packet less its messages */
    PACKET_UNKNOWN_BYTES = 16,

    PACKET_JOIN_HEAD = 4 + ID_BYTES,
    PACKET_HELLO_BYTES = 256,
    PACKET_ANSWER_MORE = PACKET_JOIN_HEAD + 8 + DH_BYTES + DH_BYTES + 2 * AEAD_TAG_BYTES +
                         PACKET_MAC_BYTES,
    PACKET_REQUEST_MORE = PACKET_JOIN_HEAD + 4 + DH_BYTES + 2 * AEAD_TAG_BYTES + PACKET_MAC_BYTES,
    PACKET_JOINED_HEAD = PACKET_JOIN_HEAD + 12,
    PACKET_JOINED_MORE = PACKET_JOINED_HEAD + AEAD_TAG_BYTES,
};
_Static_assert(GOSSIP_PLAIN_MAX + PACKET_TRANSPORT_MORE <= GOSSIP_DATAGRAM_MAX, "one datagram");

/* The type of a datagram, and whether it may be one at all: its zeros, its length for that type;
 * PACKET_NONE otherwise. */
enum packet_type packet_type(const uint8_t *p, size_t n);
/* Whether it belongs to joining; then *ret_creator is the member that it is for, or from. */
bool packet_is_join(const uint8_t *p, size_t n, node_id *ret_creator);

#endif

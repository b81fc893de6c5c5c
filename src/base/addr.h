/* addr.h: MAC, IP addresses and prefixes as values and as text. */
#ifndef KAR_BASE_ADDR_H
#define KAR_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MAC_TEXT = 18,
    IP_TEXT = 46,
    PREFIX_TEXT = 50,
    IP_PORT_TEXT = 54,
    IFNAME_MAX = 15,
    IFNAME_BYTES = 16
};

struct mac {
    uint8_t b[6];
};

/* family 0: none. IPv4 stands in the first four bytes, the rest is zero, so memcmp compares. */
struct ip {
    uint8_t family; /* 0, 4 or 6 */
    uint8_t b[16];
};

struct prefix {
    struct ip ip; /* host bits kept: an interface address is a prefix too */
    uint8_t len;
};

int mac_parse(const char *text, struct mac *ret); /* aa:bb:cc:dd:ee:ff. Errors: ERR_SYNTAX */
char *mac_format(const struct mac *m, char ret_text[MAC_TEXT]);
bool mac_is_unicast(const struct mac *m); /* not multicast, not zero */

int ip_parse(const char *text, struct ip *ret); /* Errors: ERR_SYNTAX */
char *ip_format(const struct ip *a, char ret_text[IP_TEXT]);
int ip_cmp(const struct ip *a, const struct ip *b);
unsigned ip_bits(const struct ip *a); /* 32 or 128 */
bool ip_is_multicast(const struct ip *a);
bool ip_is_link_local(const struct ip *a);

/* "10.0.0.1:8747", "[2001:db8::1]:8747"; without a port (and brackets) it is `otherwise`.
 * Errors: ERR_SYNTAX */
int ip_port_parse(const char *text, uint16_t otherwise, struct ip *ret, uint16_t *ret_port);
/* The same, with the port left out where it is `otherwise`. */
char *ip_port_format(
    const struct ip *a, uint16_t port, uint16_t otherwise, char ret_text[IP_PORT_TEXT]);

int prefix_parse(const char *text, struct prefix *ret); /* a.b.c.d/len or v6/len, length required */
char *prefix_format(const struct prefix *p, char ret_text[PREFIX_TEXT]);
int prefix_cmp(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *net, const struct ip *a);
bool prefix_same_subnet(const struct prefix *a, const struct prefix *b);
struct prefix prefix_network(const struct prefix *p); /* host bits cleared */

/* An interface name as an object may have one: [A-Za-z][A-Za-z0-9._-]{0,14}. */
bool ifname_valid(const char *name);
/* Whether two interface names are one to us: letter case does not matter (SW-2). */
bool ifname_same(const char *a, const char *b);

#endif

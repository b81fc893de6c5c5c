/* addr.c: MAC addresses, IP addresses and prefixes as values and as text.
 *
 * Parsing is exact: what it takes, formatting gives back in canonical form, and what is not plainly
 * an address (leading zeros, spaces, scope ids, short forms) is refused rather than guessed. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/id.h"

int mac_parse(const char *text, struct mac *ret)
{
    struct mac m;
    if (strnlen(text, MAC_TEXT) != MAC_TEXT - 1)
        return -ERR_SYNTAX;
    for (unsigned i = 0; i < 6; i++) {
        const char two[3] = {text[3 * i], text[3 * i + 1], 0};
        if (hex_decode(two, &m.b[i], 1) < 0 || (i < 5 && text[3 * i + 2] != ':'))
            return -ERR_SYNTAX;
    }
    *ret = m;
    return 0;
}

char *mac_format(const struct mac *m, char ret_text[MAC_TEXT])
{
    snprintf(ret_text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m->b[0], m->b[1], m->b[2],
        m->b[3], m->b[4], m->b[5]);
    return ret_text;
}

bool mac_is_unicast(const struct mac *m)
{
    return !(m->b[0] & 1) && !hex_is_zero(m->b, sizeof(m->b));
}

int ip_parse(const char *text, struct ip *ret)
{
    struct ip a = {0};
    if (strnlen(text, IP_TEXT) >= IP_TEXT)
        return -ERR_SYNTAX;
    if (inet_pton(AF_INET, text, a.b) == 1)
        a.family = 4;
    else if (inet_pton(AF_INET6, text, a.b) == 1)
        a.family = 6;
    else
        return -ERR_SYNTAX;
    *ret = a;
    return 0;
}

char *ip_format(const struct ip *a, char ret_text[IP_TEXT])
{
    ret_text[0] = 0;
    if (a->family)
        inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, ret_text, IP_TEXT);
    return ret_text;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->b, b->b, sizeof(a->b));
}

unsigned ip_bits(const struct ip *a)
{
    assert(a->family == 4 || a->family == 6);
    return a->family == 4 ? 32 : 128;
}

bool ip_is_multicast(const struct ip *a)
{
    return a->family == 4 ? (a->b[0] & 0xf0) == 0xe0 : a->family == 6 && a->b[0] == 0xff;
}

/* RFC 3927 and RFC 4291 §2.5.6. */
bool ip_is_link_local(const struct ip *a)
{
    if (a->family == 4)
        return a->b[0] == 169 && a->b[1] == 254;
    return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* One to five digits without a leading zero, nothing else. */
static int number_parse(const char *text, unsigned max, unsigned *ret)
{
    size_t n = strnlen(text, 6);
    unsigned u = 0;
    if (n == 0 || n > 5 || (n > 1 && text[0] == '0'))
        return -ERR_SYNTAX;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -ERR_SYNTAX;
        u = u * 10 + (unsigned)(text[i] - '0');
    }
    if (u > max)
        return -ERR_SYNTAX;
    *ret = u;
    return 0;
}

/* Brackets are for IPv6 with a port only: "::1:80" would be read as an address. */
int ip_port_parse(const char *text, uint16_t otherwise, struct ip *ret, uint16_t *ret_port)
{
    char host[IP_TEXT];
    struct ip a;
    unsigned port = otherwise;
    bool bracket = text[0] == '[';
    const char *colon = bracket ? strstr(text, "]:") : strchr(text, ':');
    if (!bracket && colon && strchr(colon + 1, ':'))
        colon = NULL; /* IPv6 without a port */
    const char *from = text + bracket;
    size_t n = colon ? (size_t)(colon - from) : strnlen(from, sizeof(host));
    if (n >= sizeof(host) || (bracket && !colon))
        return -ERR_SYNTAX;
    memcpy(host, from, n);
    host[n] = 0;
    if (ip_parse(host, &a) < 0 || bracket != (a.family == 6 && colon))
        return -ERR_SYNTAX;
    if (colon && (number_parse(colon + 1 + bracket, UINT16_MAX, &port) < 0 || port == 0))
        return -ERR_SYNTAX;
    *ret = a;
    *ret_port = (uint16_t)port;
    return 0;
}

char *ip_port_format(
    const struct ip *a, uint16_t port, uint16_t otherwise, char ret_text[IP_PORT_TEXT])
{
    char host[IP_TEXT];
    ip_format(a, host);
    if (port == otherwise)
        snprintf(ret_text, IP_PORT_TEXT, "%s", host);
    else
        snprintf(ret_text, IP_PORT_TEXT, a->family == 6 ? "[%s]:%u" : "%s:%u", host, port);
    return ret_text;
}

int prefix_parse(const char *text, struct prefix *ret)
{
    struct prefix p = {0};
    char host[IP_TEXT];
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof(host))
        return -ERR_SYNTAX;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = 0;
    unsigned len;
    if (ip_parse(host, &p.ip) < 0 || number_parse(slash + 1, ip_bits(&p.ip), &len) < 0)
        return -ERR_SYNTAX;
    p.len = (uint8_t)len;
    *ret = p;
    return 0;
}

char *prefix_format(const struct prefix *p, char ret_text[PREFIX_TEXT])
{
    char host[IP_TEXT];
    ret_text[0] = 0;
    if (p->ip.family)
        snprintf(ret_text, PREFIX_TEXT, "%s/%u", ip_format(&p->ip, host), (unsigned)p->len);
    return ret_text;
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
    int d = ip_cmp(&a->ip, &b->ip);
    if (d != 0)
        return d;
    return a->len < b->len ? -1 : a->len > b->len;
}

struct prefix prefix_network(const struct prefix *p)
{
    struct prefix net = *p;
    for (unsigned i = 0; i < sizeof(net.ip.b); i++) {
        unsigned first = i * 8;
        if (first >= p->len)
            net.ip.b[i] = 0;
        else if (p->len - first < 8)
            net.ip.b[i] &= (uint8_t)(0xff << (8 - (p->len - first)));
    }
    return net;
}

bool prefix_contains(const struct prefix *net, const struct ip *a)
{
    if (net->ip.family == 0 || net->ip.family != a->family)
        return false;
    struct prefix host = {.ip = *a, .len = net->len};
    struct prefix x = prefix_network(net), y = prefix_network(&host);
    return ip_cmp(&x.ip, &y.ip) == 0;
}

bool prefix_same_subnet(const struct prefix *a, const struct prefix *b)
{
    return a->len == b->len && prefix_contains(a, &b->ip);
}

/* Not isalpha: names must not depend on the locale. */
static bool ascii_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ifname_valid(const char *name)
{
    size_t n = strnlen(name, IFNAME_BYTES);
    if (n == 0 || n > IFNAME_MAX || !ascii_alpha(name[0]))
        return false;
    for (size_t i = 1; i < n; i++) {
        char c = name[i];
        if (!ascii_alpha(c) && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

bool ifname_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

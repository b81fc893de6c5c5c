/* lease.c: what a DHCP client said, and what it holds. Knows no process and no clock. */
#include "netcfg/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LINE_MAX_BYTES = 200 };

static int malformed(struct err *e, const char *line)
{
    return err_set(e, ERR_SYNTAX, what("the DHCP client said something that is not an event"),
        why("\"%.60s\"", line), NULL);
}

static int bound_parse(const char *link, const char *words, struct lease *ret)
{
    char ip[IP_TEXT], router[IP_TEXT], extra[2];
    unsigned bits, seconds;
    struct lease l = {0};
    if (sscanf(words, "%45s %u %45s %u %1s", ip, &bits, router, &seconds, extra) != 4 || bits < 1 ||
        bits > 32)
        return -ERR_SYNTAX;
    if (ip_parse(ip, &l.address.ip) != 0 || l.address.ip.family != 4)
        return -ERR_SYNTAX;
    if (strcmp(router, "-") != 0 && (ip_parse(router, &l.gateway) != 0 || l.gateway.family != 4))
        return -ERR_SYNTAX;
    l.address.len = (uint8_t)bits;
    l.duration_s = seconds;
    snprintf(l.link, sizeof(l.link), "%s", link);
    *ret = l;
    return 0;
}

int lease_from_line(const char *link, const char *line, enum lease_event *ret_event,
    struct lease *ret_lease, struct err *e)
{
    static const struct {
        const char *word;
        enum lease_event event;
    } events[] = {
        {"bound", LEASE_BOUND},
        {"renew", LEASE_BOUND},
        {"deconfig", LEASE_LOST},
        {"nak", LEASE_LOST},
        {"leasefail", LEASE_FAILED},
    };
    size_t n = strcspn(line, " ");
    if (strlen(line) > LINE_MAX_BYTES)
        return malformed(e, line);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (strlen(events[i].word) != n || memcmp(events[i].word, line, n) != 0)
            continue;
        if (events[i].event == LEASE_BOUND && bound_parse(link, line + n, ret_lease) != 0)
            return malformed(e, line);
        *ret_event = events[i].event;
        return 0;
    }
    return malformed(e, line);
}

const struct lease *leases_find(const struct leases *l, const char *link)
{
    for (size_t i = 0; l != NULL && i < l->n; i++)
        if (strcmp(l->v[i].link, link) == 0)
            return &l->v[i];
    return NULL;
}

bool leases_set(struct leases *l, const struct lease *lease)
{
    struct lease *have = (struct lease *)leases_find(l, lease->link);
    if (have == NULL) {
        VEC_PUSH(l, *lease);
        return true;
    }
    bool same = prefix_cmp(&have->address, &lease->address) == 0 &&
                ip_cmp(&have->gateway, &lease->gateway) == 0;
    *have = *lease;
    return !same;
}

bool leases_drop(struct leases *l, const char *link)
{
    const struct lease *have = leases_find(l, link);
    if (have == NULL)
        return false;
    l->v[have - l->v] = l->v[--l->n];
    return true;
}

void leases_done(struct leases *l)
{
    free(l->v);
    memset(l, 0, sizeof(*l));
}

/* kernel_lab.h: what the tests against a real kernel share: a network namespace of their own for
 * each test, short ways to write operations, and what ip(8) and bridge(8) say. */
#ifndef KAR_TESTS_NETNS_KERNEL_LAB_H
#define KAR_TESTS_NETNS_KERNEL_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netcfg/kernel.h"
#include "netcfg/netattr.h"
#include "netcfg/nic.h"

struct lab {
    struct kernel *k;
    struct netstate s; /* the last look */
};

/* Becomes root of a user namespace where it is not root already; call first in main. */
void lab_begin(char **argv);
/* cmocka's setup and teardown: a fresh namespace with lo up, the adapter opened in it. */
int lab_setup(void **state);
int lab_teardown(void **state);

/* Runs a command line in the namespace; a failure fails the test. */
void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What a command that prints JSON says at a path such as "0.linkinfo.info_data.id". "" where it
 * says nothing. Numbers, true and false as text; a list of texts joined by commas. */
const char *ask(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Carries one operation out and expects it to succeed, or to fail; takes op->link over. */
void done(struct lab *l, struct kop op);
struct kop_result refused(struct lab *l, struct kop op);

/* Operations. The netlink of link_op is zeroed but for name and kind, ours, of object `n`. */
struct kop link_op(enum kop_type type, const char *name, enum linkkind kind, uint8_t n);
struct kop bridge_op(const char *name, uint8_t n); /* creates one that is up, as the next */
struct kop vxlan_op(const char *name, uint8_t n, uint32_t vni);
struct kop addr_op(enum kop_type type, const char *link, const char *prefix);
struct kop fdb_op(enum kop_type type, const char *link, const char *mac, const char *dst);
struct kop vlan_op(enum kop_type type, const char *link, uint16_t vid, bool pvid, bool untagged);
struct kop route_op(
    enum kop_type type, const char *dst, const char *via, const char *link, uint32_t metric);
object_id object_number(uint8_t n);
/* Sets an attribute from its text, by the width of its row. */
void attr_from_text(struct netlink *l, enum netattr a, const char *text);

/* Takes the events in and looks. */
const struct netstate *look(struct lab *l);
/* The link as the adapter sees it now; fails the test when it is not there. */
const struct netlink *seen(struct lab *l, const char *name);
/* What the cache says must be what a kernel asked afresh says. */
void expect_cache_true(struct lab *l);
/* True when the kernel has it; else says so once, for the list of what was skipped. */
bool kernel_has(struct lab *l, enum kernel_feature f, const char *skipped);
/* In the VM (KAR_HOST_LACKS_ONLY), whether the host's own kernel has it and it was tested there. */
bool tested_on_host(enum kernel_feature f);

#endif

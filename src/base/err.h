/* err.h: what went wrong, as one value that travels up and reaches the operator as three sentences.
 *
 * A function that can fail returns 0 or a negative enum err_code and, where the reason matters,
 * fills a struct err. It either logs or returns the error, never both. */
#ifndef KAR_BASE_ERR_H
#define KAR_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of karctl (design §7). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_DIFFERS = 1,
    EXIT_USAGE = 2,
    EXIT_REJECTED = 3,
    EXIT_UNREACHABLE = 4,
    EXIT_NOT_FOUND = 5,
    EXIT_TIMEOUT = 6,
    EXIT_DENIED = 7,
};

/* One row per error: name, stable code (the API's, never renamed), karctl's exit code. */
#define ERR_LIST(X)                                                  \
    /* input and schema */                                           \
    X(USAGE, "usage", EXIT_USAGE)                                    \
    X(SYNTAX, "syntax", EXIT_REJECTED)                               \
    X(LIMIT, "limit", EXIT_REJECTED)                                 \
    X(FIELD_UNKNOWN, "field-unknown", EXIT_REJECTED)                 \
    X(FIELD_MISSING, "field-missing", EXIT_REJECTED)                 \
    X(FIELD_TYPE, "field-type", EXIT_REJECTED)                       \
    X(FIELD_RANGE, "field-range", EXIT_REJECTED)                     \
    X(FIELD_IMMUTABLE, "field-immutable", EXIT_REJECTED)             \
    X(FIELD_CONFLICT, "field-conflict", EXIT_REJECTED)               \
    X(KIND_UNKNOWN, "kind-unknown", EXIT_REJECTED)                   \
    X(NAME_INVALID, "name-invalid", EXIT_REJECTED)                   \
    /* rules over objects */                                         \
    X(NAME_TAKEN, "name-taken", EXIT_REJECTED)                       \
    X(NODE_UNKNOWN, "node-unknown", EXIT_REJECTED)                   \
    X(REF_UNKNOWN, "ref-unknown", EXIT_REJECTED)                     \
    X(REF_KIND, "ref-kind", EXIT_REJECTED)                           \
    X(IN_USE, "in-use", EXIT_REJECTED)                               \
    X(VLAN_TAG_TAKEN, "vlan-tag-taken", EXIT_REJECTED)               \
    X(VLAN_PARENT, "vlan-parent", EXIT_REJECTED)                     \
    X(UPLINK_TAKEN, "uplink-taken", EXIT_REJECTED)                   \
    X(UPLINK_CARRIES_VLANS, "uplink-carries-vlans", EXIT_REJECTED)   \
    X(PARENT_CARRIES_SWITCH, "parent-carries-switch", EXIT_REJECTED) \
    X(SWITCHES_MAX, "switches-max", EXIT_REJECTED)                   \
    X(VNI_TAKEN, "vni-taken", EXIT_REJECTED)                         \
    X(VNI_EXHAUSTED, "vni-exhausted", EXIT_REJECTED)                 \
    X(OVERLAY_ENDS, "overlay-ends", EXIT_REJECTED)                   \
    X(OVERLAY_UNDERLAY, "overlay-underlay", EXIT_REJECTED)           \
    X(TUNNEL_TAKEN, "tunnel-taken", EXIT_REJECTED)                   \
    X(ADDRESS_TAKEN, "address-taken", EXIT_REJECTED)                 \
    X(NODE_OFFLINE, "node-offline", EXIT_REJECTED)                   \
    X(CONFIRM_NEEDED, "confirm-needed", EXIT_REJECTED)               \
    X(MANAGEMENT, "management", EXIT_REJECTED)                       \
    X(MANAGED, "managed", EXIT_REJECTED)                             \
    X(NIC_INACTIVE, "nic-inactive", EXIT_REJECTED)                   \
    X(STALE, "stale", EXIT_NOT_FOUND)                                \
    X(EXISTS, "exists", EXIT_NOT_FOUND)                              \
    X(NOT_FOUND, "not-found", EXIT_NOT_FOUND)                        \
    /* agent, cluster, store, kernel */                              \
    X(NO_CLUSTER, "no-cluster", EXIT_NOT_FOUND)                      \
    X(CLUSTER_EXISTS, "cluster-exists", EXIT_NOT_FOUND)              \
    X(DENIED, "denied", EXIT_DENIED)                                 \
    X(UNREACHABLE, "unreachable", EXIT_UNREACHABLE)                  \
    X(TIMEOUT, "timeout", EXIT_TIMEOUT)                              \
    X(BUSY, "busy", EXIT_DIFFERS)                                    \
    X(METHOD_UNKNOWN, "method-unknown", EXIT_USAGE)                  \
    X(CLOCK, "clock", EXIT_REJECTED)                                 \
    X(SIGNATURE, "signature", EXIT_REJECTED)                         \
    X(CHAIN, "chain", EXIT_REJECTED)                                 \
    X(STORE_FULL, "store-full", EXIT_DIFFERS)                        \
    X(STORE_CORRUPT, "store-corrupt", EXIT_DIFFERS)                  \
    X(STORE_FORMAT, "store-format", EXIT_DIFFERS)                    \
    X(STORE_LOCKED, "store-locked", EXIT_DIFFERS)                    \
    X(STORE_IO, "store-io", EXIT_DIFFERS)                            \
    X(KERNEL, "kernel", EXIT_DIFFERS)                                \
    X(KERNEL_LACKS, "kernel-lacks", EXIT_DIFFERS)                    \
    X(KERNEL_OVERRUN, "kernel-overrun", EXIT_DIFFERS)                \
    X(BLOCKED, "blocked", EXIT_DIFFERS)                              \
    X(IO, "io", EXIT_DIFFERS)                                        \
    X(INTERNAL, "internal", EXIT_DIFFERS)

enum err_code {
    ERR_OK = 0,
#define X(name, text, exit) ERR_##name,
    ERR_LIST(X)
#undef X
        ERR_COUNT
};

enum { ERR_TEXT_MAX = 384, ERR_AT_MAX = 160 };

struct err {
    enum err_code code;
    char what[ERR_TEXT_MAX]; /* what happened */
    char why[ERR_TEXT_MAX];  /* why, naming the conflicting object; may be empty */
    char fix[ERR_TEXT_MAX];  /* what to do; may be empty */
    char at[ERR_AT_MAX]; /* where: a JSON pointer into the request (/docs/0/spec/tag); may be empty
                          */
};

struct err_text {
    char s[ERR_TEXT_MAX];
};
const char *err_text_format(struct err_text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The three sentences of err_set, each printf-like: what("VLAN tag %u on %s is taken", tag,
 * parent). */
#define what(...) err_text_format(&(struct err_text){{0}}, __VA_ARGS__)
#define why(...) err_text_format(&(struct err_text){{0}}, __VA_ARGS__)
#define fix(...) err_text_format(&(struct err_text){{0}}, __VA_ARGS__)

/* Fills *e (NULL is fine) and returns -code. NULL for a sentence leaves it empty. `at` is cleared.
 * Inline, so that compilers and clang-tidy see that an error is always negative. */
void err_fill(
    struct err *e, enum err_code code, const char *what_, const char *why_, const char *fix_);
static inline int err_set(
    struct err *e, enum err_code code, const char *what_, const char *why_, const char *fix_)
{
    err_fill(e, code, what_, why_, fix_);
    return -(int)code;
}
/* Sets where it happened; printf-like. */
void err_at(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "context: " before the first sentence on the way up. */
void err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *err_code_text(enum err_code code);      /* "vlan-tag-taken" */
enum err_code err_code_from_text(const char *text); /* ERR_INTERNAL when unknown */
enum exit_code err_exit_code(enum err_code code);

/* A bounded list: all errors of a file at once. A list beyond ERRS_MAX counts but does not keep. */
enum { ERRS_MAX = 100 };
struct errs {
    struct err *v;
    size_t n, cap;
    size_t dropped;
};
struct err *errs_add(
    struct errs *l); /* a new zeroed row to fill; never NULL (a spare one beyond the limit) */
void errs_done(struct errs *l);

#endif

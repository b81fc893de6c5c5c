/* config.h: kard.yaml, the settings that belong to this node alone. */
#ifndef KAR_KARD_CONFIG_H
#define KAR_KARD_CONFIG_H

#include "base/err.h"
#include "base/log.h"
#include "gossip/view.h"
#include "intent/object.h"

enum {
    CONFIG_BYTES_MAX = 64 * 1024,
    CONFIG_GROUP_MAX = 32,
    CONFIG_LISTEN_MAX = MEMBER_ENDPOINTS_MAX
};

struct config {
    char group[CONFIG_GROUP_MAX + 1];      /* who may change things; "" is nobody but root */
    char read_group[CONFIG_GROUP_MAX + 1]; /* who may look; "" is nobody more */
    char node[NODE_NAME_MAX + 1];          /* name for init; "" is the host's */
    enum log_level log_level;
    struct endpoint listen[CONFIG_LISTEN_MAX]; /* for the other nodes, UDP and TCP */
    size_t listen_n;                           /* 0: this node stays alone */
    bool listen_given;                         /* else the default, as far as the kernel has it */
    struct endpoint addresses[CONFIG_LISTEN_MAX]; /* where others reach us; none: found out */
    size_t addresses_n;
};

extern const struct config CONFIG_DEFAULT;

/* `path` is only named in errors, with the line. Unknown keys are refused. ret is untouched on
 * failure. Errors: ERR_SYNTAX, ERR_FIELD_UNKNOWN, ERR_FIELD_TYPE, ERR_FIELD_RANGE, ERR_LIMIT. */
int config_parse(const char *path, const char *text, size_t n, struct config *ret, struct err *e);
/* The defaults when there is no such file. Errors: those above, ERR_DENIED, ERR_IO. */
int config_load(const char *path, struct config *ret, struct err *e);
/* "key: default   help" of every key, for --help. Appended to ret. */
void config_help(struct buf *ret);

#endif

/* help.h: what --help prints, out of the tree. */
#ifndef KAR_CLI_HELP_H
#define KAR_CLI_HELP_H

#include "cli/command.h"
#include "cli/screen.h"

/* Always EXIT_DONE. */
int help_print(struct screen *s, const struct command *c, const char *path);
/* "karctl vlan create NAME [--parent NIC] …": one line. */
void usage_to_text(const struct command *c, const char *path, struct buf *ret);
/* The commands' part of karctl.1.scd. */
void help_to_scdoc(struct buf *ret);

#endif

/* complete.h: what could be typed next, out of the tree and the objects that there are.
 *
 * The shells' scripts are thin: they hand the words over to `karctl __complete` and show what comes
 * back, one candidate a line, "text<TAB>help". A first line ":files" hands over to the shell's own
 * completion of files. */
#ifndef KAR_CLI_COMPLETE_H
#define KAR_CLI_COMPLETE_H

#include "cli/command.h"

struct candidates {
    struct candidate {
        char *text, *help; /* owned; help may be NULL */
    } * v;
    size_t n, cap;
    const char *prefix; /* what is there of the word; others are not taken */
    const char *before; /* goes before each text ("--tag="), or "" */
    bool files;         /* the word is a file's name */
};

/* Takes the candidate if it begins as the word does. */
void candidates_add(struct candidates *c, const char *text, const char *help);
void candidates_done(struct candidates *c);

/* Names that only kard knows: objects (kind), nodes (OF_NODE), changes (OF_CHANGE). NULL: none.
 * socket is what --socket says among the words, or NULL. */
struct live_names {
    void (*fill)(void *ctx, const char *socket, enum value_of of, const struct kind_info *kind,
        struct candidates *ret);
    void *ctx;
};

/* words[0..n-1] are what stands after "karctl"; the last one (maybe "") is to be completed. */
void complete(
    const char *const *words, size_t n, const struct live_names *live, struct candidates *ret);

/* "bash" or "zsh"; NULL for another shell. */
const char *completion_script(const char *shell);

#endif

/* agent_draft.h: a change in the making: what documents would do, before anything is done.
 *
 * plan and apply make the same draft and pass the same gates; apply then commits it. A draft holds
 * forks: the agent's own intent and ledger are only read. */
#ifndef KAR_KARD_AGENT_DRAFT_H
#define KAR_KARD_AGENT_DRAFT_H

#include "kard/agent_guests.h"
#include "kard/agent_parts.h"

enum { PLAN_ID_TEXT = 5 };

struct draft {
    struct change *change;    /* sealed by draft_seal; without operations nothing is to be done */
    struct buf bytes;         /* the change as it will be stored */
    struct intent *after;     /* with the change applied */
    struct ledger *ledger;    /* with the slot applied */
    struct verdicts verdicts; /* of this node, with both */
    struct slot slot;         /* number 0: no claims, or another node decides them */
    hlc hlc;                  /* the stamp given to the change */
    size_t *doc_of_op;        /* operation → document it comes from */
    struct value *docs;       /* [{kind, name, node?, action, changes}] of the answer */
    struct value *node;       /* {node, operations, disruptive} of the answer */
    size_t operations_n;
    bool disruptive, provisional;
    bool dry;                /* is not going to be committed: what it makes would have other ids */
    char plan[PLAN_ID_TEXT]; /* the same documents on the same state have the same */
    struct errs errs, warnings;
    size_t rules_from, rules_to; /* which of the warnings are the rules' */
    struct guests guests;        /* that these are about, elsewhere */
};

struct draft_ask {
    const struct value *docs; /* NULL: undo */
    const char *undo;
    const char *author, *message;
    bool force, provisional;
    bool dry; /* only to be shown */
};

/* Documents → operations → gate 1, ledger, admission. Whatever is wrong stands in ret->errs, all of
 * it. ret is the caller's (draft_done), also on failure. Returns 0 or the code of the first error.
 */
int draft_make(struct agent *a, const struct draft_ask *ask, struct draft *ret);
void draft_done(struct draft *d);
/* The same for the sealed change of another node (d->change, all else zero), against the intent and
 * the ledger as they are here; errors at "/docs/<operation>". */
int draft_take(struct agent *a, struct draft *d);
/* The rules' warnings anew, once more is known of the guests that they name. */
void draft_rules_again(struct agent *a, struct draft *d, bool force);
/* Whether two drafts of the same documents ask the same of every node. */
bool draft_is_same(const struct draft *a, const struct draft *b);
/* Gate 2 here: the draft against the live kernel, and its preview. */
int draft_kernel(struct agent *a, struct draft *d);
/* Gates speak of operations; the request has documents, some of which need no operation: puts the
 * errors from the given one on where the request has them. */
void draft_at_docs(const struct draft *d, struct errs *l, size_t from);
/* Seals what d->change has as the next change of this node and asks the ledger: for changes of the
 * agents' own, which the rules for users do not judge. Errors: ERR_LIMIT, and the ledger's. */
int draft_managed(
    struct agent *a, struct draft *d, const char *author, const char *message, struct err *e);
/* What a draft needs beside, when it is only to be shown: the documents that would ask for the
 * same, and who gets what. */
void draft_managed_show(struct agent *a, struct draft *d);
/* Seals d->change with what is set in it, and puts what a reader of its bytes gets in its place:
 * what is judged, previewed and applied is what the next start will read. Errors: ERR_LIMIT,
 * ERR_SYNTAX. */
int draft_seal(struct draft *d, const struct key_secret *key, struct err *e);

/* --- the steps, each in its file -------------------------------------------------------------- */

/* agent_docs.c: documents to operations of d->change. */
void draft_documents(struct agent *a, const struct value *docs, struct draft *d);
/* agent_preview.c: the plan of the change against the live kernel. */
void draft_preview(struct agent *a, struct draft *d, const struct netstate *actual);
/* In a list of another node's operations, "vx-<NAME>" with the device's name: that of a draft which
 * is going to be committed is known by now. */
void draft_devices_show(const struct draft *d, struct value *operations);
/* One operation as the API shows it. */
struct value *operation_to_value(const struct kop *op, const struct intent *in);

#endif

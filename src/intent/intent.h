/* intent.h: all objects that result from all changes, the same on every node that has the same set.
 *
 * Pure. A revision is live until an operation that names it in its bases has been applied. An
 * object normally has one live revision; edits unaware of each other leave several: the greatest
 * (HLC, origin, revision) is shown and rendered, the others stay, listed as a conflict until an
 * edit names them all. What waits for the ledger or was refused by it supersedes nothing and comes
 * behind all that counts: an edit that waits leaves the object as it was, an object that only such
 * a revision makes exists and is not admitted. A put and a delete unaware of each other keep the
 * object. Applying is idempotent and order does not matter (nor does it whether a change came first
 * or its slot): a base that has not arrived yet is remembered as superseded. Not for two threads at
 * once: reading completes indexes that applying left open. */
#ifndef KAR_INTENT_INTENT_H
#define KAR_INTENT_INTENT_H

#include "intent/change.h"

/* What becomes of a change, from the ledger (ledger_standing). */
enum standing {
    STANDING_COUNTS,
    STANDING_WAITS,   /* for its slot */
    STANDING_REFUSED, /* kept and shown, nothing more */
    STANDING_OUT,     /* of a removed node, beyond what counts: never applied */
};

struct revision {
    rev_id rev;
    enum op_type type;
    struct object *object; /* owned; for a delete its id, kind and name */
    change_id change;
    node_id origin;
    hlc hlc;
    enum standing standing;
    enum op_claims claims;
};

struct entry { /* one object: its live revisions, the winner first, deletes behind all puts (but the
                  removal of a node, which counts, before them); none while only superseded ones
                  have arrived */
    object_id id;
    struct revision **revs;
    size_t revs_n;
    hlc created; /* HLC and origin of the creating change: the object's rank against rivals. While
                    that has not arrived: of the oldest operation on the object that has */
    node_id created_by;
};

/* The standing of the object: that of the revision which stands for it. */
static inline enum standing entry_standing(const struct entry *e)
{
    return e->revs_n ? e->revs[0]->standing : STANDING_COUNTS;
}

struct intent;

struct intent *intent_new(void);
void intent_free(struct intent *in);
/* An independent copy, for trying a change (plan, rules): revisions are shared by reference count.
 */
struct intent *intent_fork(const struct intent *in);

/* Applies every operation of a sealed or decoded change. Never fails: what does not fit is kept as
 * superseded or conflicting. */
void intent_apply(struct intent *in, const struct change *c);
/* The same with its standing; again when that became known: what waited counts now or is refused.
 * What counted cannot be taken back here: build the intent anew. */
void intent_apply_as(struct intent *in, const struct change *c, enum standing standing);
/* Whether an operation that counts has named this revision of the object. */
bool intent_superseded(const struct intent *in, const object_id *id, const rev_id *rev);

/* The winner's object, NULL when absent or deleted. Names compare without regard to case for
 * interface kinds. With node given, the object of that name that stands on this node (a local one
 * first); with node NULL, a spanning object or else the only local one; ret_ambiguous (may be NULL)
 * tells that it is NULL because several nodes have a local object of that name. Among several that
 * answer (concurrent creation), the one of best rank; the others are named by their ids. */
const struct object *intent_find(const struct intent *in, enum kind kind, const char *name,
    const char *node, bool *ret_ambiguous);
const struct object *intent_get(const struct intent *in, const object_id *id);
const struct entry *intent_entry(const struct intent *in, const object_id *id);

/* Every existing object, ordered by kind (admission order), then rank (created HLC, origin), id.
 * kind < 0: all. for (size_t i = 0; (o = intent_each(in, KIND_VLAN, &i));) Nothing may be applied
 * meanwhile. */
const struct object *intent_each(const struct intent *in, int kind, size_t *cursor);
size_t intent_count(const struct intent *in);
/* Entries of existing objects with more than one live revision, the same order and idiom. Deletes
 * unaware of each other agree and are none. */
const struct entry *intent_each_conflict(const struct intent *in, size_t *cursor);

/* The node object of this name, or of this node id in hexadecimal (the hash of its key); its spec
 * holds key, labels, roles. NULL when unknown. */
const struct object *intent_node(const struct intent *in, const char *name);
/* Whether an object stands on the node (all, list, or selector over the node's labels). */
bool intent_on_node(const struct intent *in, const struct object *o, const char *node);
/* A role of the node (uplink: eno1) to the interface's name; other names as they are. */
const char *intent_ifname(const struct intent *in, const char *node, const char *name_or_role);

#endif

/* agent_members.h: the members as the protocol needs them, from node objects and from what a
 * joining node was told.
 *
 * A member is known by its key for ever, since its changes stay in the history; whether it is one
 * now is what the intent says. */
#ifndef KAR_KARD_AGENT_MEMBERS_H
#define KAR_KARD_AGENT_MEMBERS_H

#include "base/map.h"
#include "gossip/step.h"
#include "intent/change.h"
#include "intent/ledger.h"

struct member {
    struct member_record is;
    char name[NODE_NAME_MAX + 1]; /* the last that it had */
    bool seen;                    /* in a change; else only told of at joining, or introduced … */
    node_id by;                   /* … by this one's change, … */
    uint64_t stream, seq;         /* … which has this place */
    rev_id rev;                   /* of the node object that `is` was read from */
    enum member_state state;      /* what gossip said last */
    struct value *fact;           /* what it says about itself; NULL: nothing */
};
struct members { /* in the order in which they became known */
    struct member **v;
    size_t n, cap;
    struct map by_id;
};

void members_done(struct members *l);
/* Takes the keys of new nodes out of a change. true: it concerns node objects at all. */
bool members_note(struct members *l, const struct change *c);
/* Told of by whom we join: counts until changes speak of it. */
struct member *members_tell(struct members *l, const struct member_record *r, const char *name);
/* Who is let in by a change that was shown, and is not here yet: counts until that has come. false:
 * nobody that is not known already. */
bool members_introduce(struct members *l, const struct change *c);
/* The member who was introduced and of whom no change here speaks yet, from *cursor on. NULL: no
 * more. */
struct member *members_each_introduced(const struct members *l, size_t *cursor);
/* What intent and ledger say of each now. */
void members_refresh(struct members *l, const struct intent *in, const struct ledger *ledger,
    const cluster_id *cluster);
struct member *members_find(const struct members *l, const node_id *id);
/* A member of now, by its name. NULL: there is none. */
struct member *members_named(const struct members *l, const char *name);
/* How many there are now, we included. */
size_t members_count(const struct members *l);
/* The name to show; "?" for who was never heard of. */
const char *members_name(const struct members *l, const node_id *id);

/* --- a node object's fields ------------------------------------------------------------------- */

/* Key, session and addresses as texts, and back. */
void member_to_spec(
    const struct member_record *r, const uint8_t signature[SIGNATURE_BYTES], struct value *spec);
/* Reads what is well formed and signed; without it session is zero, at_n 0. false: no key. */
bool member_from_spec(const struct value *spec, struct member_record *ret);

#endif

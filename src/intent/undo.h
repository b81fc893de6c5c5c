/* undo.h: the documents that take one change back. Pure.
 *
 * What the change edited goes back to what it was, what it created is deleted, what it deleted is
 * created anew (with a new id, and claims of its own). The documents then pass the same gates as
 * any other change. */
#ifndef KAR_INTENT_UNDO_H
#define KAR_INTENT_UNDO_H

#include "intent/intent.h"

/* `before` is the intent that the change was made on (a replay of what came before it), `now` the
 * intent as it is. ret_docs is the caller's: a list of documents as change.apply takes them,
 * deletions first, each with the revision it is based on; empty when nothing is left to undo.
 * An object that was edited since is ERR_STALE, naming the later change, unless forced; all of
 * them are added to errs. Fields that only agents set are left as they are.
 * Returns 0 or the code of the first error; then ret_docs is untouched. */
int undo_documents(const struct change *c, const struct intent *before, const struct intent *now,
    bool force, struct value **ret_docs, struct errs *errs);

#endif

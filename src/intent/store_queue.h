/* store_queue.h: batches on their way to the disk: their order, the one thread that writes them,
 * the grouping of what came while it was busy, and the way back of the results. */
#ifndef KAR_INTENT_STORE_QUEUE_H
#define KAR_INTENT_STORE_QUEUE_H

#include "intent/store.h"

struct store_queue;

/* Writes n batches in their order as one transaction, durably: all of it, or an error and nothing.
 * Called on the worker's thread, never by two threads. */
typedef int (*store_write_fn)(
    void *ctx, const struct store_batch *const *batches, size_t n, struct err *e);

/* Starts the worker. Errors: ERR_IO. */
int store_queue_new(store_write_fn write, void *ctx, struct store_queue **ret_queue, struct err *e);
/* As the functions of store_ops; store_queue_free is for close. */
void store_queue_commit(struct store_queue *q, struct store_batch *b, store_done_fn fn, void *ctx);
int store_queue_fd(const struct store_queue *q);
void store_queue_dispatch(struct store_queue *q);
void store_queue_stats(struct store_queue *q, struct store_stats *ret); /* batches, syncs, failed */
void store_queue_free(struct store_queue *q);

#endif

/* cluster_story.h: a cluster whose life is told line by line. */
#ifndef KAR_SIM_CLUSTER_STORY_H
#define KAR_SIM_CLUSTER_STORY_H

#include "cluster.h"

struct story {
    struct cluster c;
    struct {
        bool founded, removed;
        node_id id;
        enum member_state member[NET_NODES_MAX];
        struct map things; /* object id → its state; change id → known */
    } seen[NET_NODES_MAX];
};

void story_open(struct story *s, unsigned n, uint64_t seed);
void story_close(struct story *s);
/* Lets time pass and tells what can be seen meanwhile. */
void story_run(struct story *s, time_ms ms);
/* What was told so far is not expected any more. */
void story_forget(struct story *s);

#endif

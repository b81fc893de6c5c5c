/* action.c: the list of what the step wants done. */
#include <stdlib.h>

#include "gossip/step.h"

void gossip_actions_done(struct gossip_actions *l)
{
    for (size_t i = 0; i < l->n; i++) {
        buf_done(&l->v[i].bytes);
        change_free(l->v[i].change);
        if (l->v[i].slot)
            slot_done(l->v[i].slot);
        free(l->v[i].slot);
    }
    free(l->v);
    *l = (struct gossip_actions){0};
}

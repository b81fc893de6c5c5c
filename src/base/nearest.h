/* nearest.h: which known word somebody meant. */
#ifndef KAR_BASE_NEAREST_H
#define KAR_BASE_NEAREST_H

/* struct nearest n = {.word = "vlna"}; nearest_try(&n, "vlan"); … n.best is "vlan", or NULL when
 * nothing is near: at most a third of the letters are wrong, missing, too many or swapped. */
struct nearest {
    const char *word;
    const char *best;
    unsigned distance;
};

void nearest_try(struct nearest *n, const char *candidate);

#endif

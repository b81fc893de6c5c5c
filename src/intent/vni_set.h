/* vni_set.h: which of the 2^24 VNIs are taken, and the lowest that is not. */
#ifndef KAR_INTENT_VNI_SET_H
#define KAR_INTENT_VNI_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { VNI_MAX = 0xffffff, VNI_PAGE = 4096, VNI_PAGES = (VNI_MAX + 1) / VNI_PAGE };

struct vni_set {
    struct vni_page **pages; /* VNI_PAGES of them, NULL until the first number is taken */
};

void vni_set_done(struct vni_set *s);
void vni_set_copy(struct vni_set *dst, const struct vni_set *src);
/* Numbers above VNI_MAX are ignored. */
void vni_set_take(struct vni_set *s, uint32_t vni);
void vni_set_give(struct vni_set *s, uint32_t vni);
bool vni_set_has(const struct vni_set *s, uint32_t vni);
/* The lowest free number in first..last, 0 when there is none (0 itself is never free). */
uint32_t vni_set_lowest_free(const struct vni_set *s, uint32_t first, uint32_t last);

#endif

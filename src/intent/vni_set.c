/* vni_set.c: a bitmap in pages, each with its number of members, so that full stretches are passed
 * by and what nobody uses takes no memory. */
#include "intent/vni_set.h"

#include <stdlib.h>

#include "base/mem.h"

enum { WORD = 64, WORDS = VNI_PAGE / WORD };

struct vni_page {
    uint32_t taken;
    uint64_t bits[WORDS];
};

void vni_set_done(struct vni_set *s)
{
    for (size_t i = 0; s->pages && i < VNI_PAGES; i++)
        free(s->pages[i]);
    free(s->pages);
    s->pages = NULL;
}

void vni_set_copy(struct vni_set *dst, const struct vni_set *src)
{
    dst->pages = src->pages ? mem_dup(src->pages, VNI_PAGES * sizeof(*src->pages)) : NULL;
    for (size_t i = 0; dst->pages && i < VNI_PAGES; i++)
        if (src->pages[i])
            dst->pages[i] = mem_dup(src->pages[i], sizeof(struct vni_page));
}

static struct vni_page *page_of(const struct vni_set *s, uint32_t vni)
{
    return s->pages && vni <= VNI_MAX ? s->pages[vni / VNI_PAGE] : NULL;
}

static uint64_t *word_of(struct vni_page *p, uint32_t vni)
{
    return &p->bits[vni % VNI_PAGE / WORD];
}

static uint64_t bit_of(uint32_t vni)
{
    return (uint64_t)1 << (vni % WORD);
}

bool vni_set_has(const struct vni_set *s, uint32_t vni)
{
    struct vni_page *p = page_of(s, vni);
    return p && (*word_of(p, vni) & bit_of(vni));
}

void vni_set_take(struct vni_set *s, uint32_t vni)
{
    if (vni > VNI_MAX || vni_set_has(s, vni))
        return;
    if (!s->pages)
        s->pages = mem_alloc(VNI_PAGES * sizeof(*s->pages));
    struct vni_page **p = &s->pages[vni / VNI_PAGE];
    if (!*p)
        *p = MEM_NEW(struct vni_page);
    *word_of(*p, vni) |= bit_of(vni);
    (*p)->taken++;
}

void vni_set_give(struct vni_set *s, uint32_t vni)
{
    struct vni_page *p = page_of(s, vni);
    if (!vni_set_has(s, vni))
        return;
    *word_of(p, vni) &= ~bit_of(vni);
    p->taken--;
}

uint32_t vni_set_lowest_free(const struct vni_set *s, uint32_t first, uint32_t last)
{
    uint64_t vni = first ? first : 1, end = last > VNI_MAX ? VNI_MAX : last;
    while (vni <= end) {
        struct vni_page *p = page_of(s, (uint32_t)vni);
        if (!p)
            return (uint32_t)vni;
        if (p->taken == VNI_PAGE) {
            vni = (vni / VNI_PAGE + 1) * VNI_PAGE;
            continue;
        }
        /* What is free in this word from here on. */
        uint64_t free_bits = ~*word_of(p, (uint32_t)vni) & ~(bit_of((uint32_t)vni) - 1);
        if (free_bits == 0) {
            vni = (vni / WORD + 1) * WORD;
            continue;
        }
        vni = vni / WORD * WORD + (uint64_t)__builtin_ctzll(free_bits);
        return vni <= end ? (uint32_t)vni : 0;
    }
    return 0;
}

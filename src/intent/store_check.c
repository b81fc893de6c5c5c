/* store_check.c: reads LMDB's file format (data version 1, LMDB 0.9) and believes nothing.
 *
 *   page 0, 1   [header 16][meta]      the two last commits; the one with the higher number counts
 *   branch      [header 16][offset 2]… free …[node: child page 6, key length 2, key]…
 *   leaf        [header 16][offset 2]… free …[node: size 4, flags 2, key length 2, key, value]…
 *   overflow    [header 16][value ……………… over as many pages as the header says]
 *
 * Two trees hang on a meta: that of the records, and that of the free pages (key: the commit that
 * freed them, value: their count, then their numbers from high to low). Every page is used once at
 * most. Numbers are in the machine's order: the file belongs to its architecture.
 *
 * Owns no open database and knows nothing of tables; pages come by pread, never by a mapping. */
#include "intent/store_check.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "LMDB swaps halves of a size elsewhere");
_Static_assert(sizeof(size_t) == 8, "LMDB's page numbers have the size of a pointer");

enum {
    META_MAGIC = (int)0xBEEFC0DE,
    META_VERSION = 1,
    PAGE_HEADER = 16,
    NODE_HEADER = 8,
    PAGE_BYTES_MIN = 512,
    PAGE_BYTES_MAX = 32768,
    DEPTH_MAX = 32,      /* CURSOR_STACK */
    KEY_BYTES_MAX = 511, /* MDB_MAXKEYSIZE */
    VALUE_BYTES_MAX = 1 << 30,
    /* Free pages may lie beyond the end of the file: allocated and freed again in one commit,
     * which touches MDB_IDL_UM_MAX pages at most. */
    PAGES_BEYOND_END_MAX = 1 << 17,
};

enum { P_BRANCH = 0x01, P_LEAF = 0x02, P_OVERFLOW = 0x04, P_META = 0x08 };
enum { F_BIGDATA = 0x01 };
enum { DB_INTEGERKEY = 0x08, ENV_NOSUBDIR = 0x4000 };
static const uint64_t page_none = UINT64_MAX;

struct page_header {
    uint64_t number;
    uint16_t pad, flags;
    union {
        struct {
            uint16_t lower, upper;
        };
        uint32_t pages; /* overflow */
    };
};
struct tree_header {
    uint32_t pad; /* of the free pages' tree: the size of a page */
    uint16_t flags, depth;
    uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};
struct meta {
    uint32_t magic, version;
    uint64_t address, map_bytes;
    struct tree_header free, main;
    uint64_t last_page, commit;
};
_Static_assert(sizeof(struct page_header) == PAGE_HEADER, "MDB_page");
_Static_assert(sizeof(struct meta) == 136, "MDB_meta");

struct node {
    const uint8_t *key;
    size_t key_n;
    uint64_t child;       /* branch */
    const uint8_t *value; /* leaf; the number of an overflow page when big */
    size_t value_n;
    bool big;
};

struct check {
    int fd;
    const char *path;
    struct err *e;
    uint64_t file_bytes;
    size_t page_bytes;
    struct meta meta;
    uint8_t *used; /* a bit for each page up to the last */
    uint8_t *pages[DEPTH_MAX];
    struct buf overflow;
    /* The walk of one tree. */
    bool is_free_tree;
    size_t depth;
    uint64_t entries;
    uint8_t last[KEY_BYTES_MAX], bound[KEY_BYTES_MAX]; /* the key before; the least allowed now */
    size_t last_n, bound_n;
    bool has_last, has_bound;
    store_record_fn fn;
    void *ctx;
};

int store_corrupt(struct err *e, const char *path, const char *why_)
{
    return err_set(e, ERR_STORE_CORRUPT, what("the store %s is damaged", path), why_,
        fix("check the disk; then, with kard stopped, put a backup of the file in its place, or "
            "move it away and found or join the cluster anew"));
}

static int check_bad(const struct check *c, uint64_t page, const char *reason)
{
    return store_corrupt(c->e, c->path, why("page %llu: %s", (unsigned long long)page, reason));
}

/* --- reading --- */

static int check_read(const struct check *c, uint64_t at, void *ret, size_t n)
{
    uint8_t *p = ret;
    if (at > c->file_bytes || n > c->file_bytes - at)
        return store_corrupt(c->e, c->path,
            why("it is cut off: %llu bytes are there and byte %llu is needed",
                (unsigned long long)c->file_bytes, (unsigned long long)(at + n - 1)));
    while (n > 0) {
        ssize_t r = pread(c->fd, p, n, (off_t)at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_set(c->e, ERR_STORE_IO, what("the store %s cannot be read", c->path),
                strerror(errno), fix("check the disk"));
        if (r == 0)
            return store_corrupt(c->e, c->path, "it became shorter while it was read");
        p += r;
        at += (uint64_t)r;
        n -= (size_t)r;
    }
    return 0;
}

static int check_meta_read(const struct check *c, uint64_t at, struct meta *ret)
{
    uint8_t bytes[PAGE_HEADER + sizeof(struct meta)];
    struct page_header h;
    int r = check_read(c, at, bytes, sizeof(bytes));
    if (r < 0)
        return r;
    memcpy(&h, bytes, sizeof(h));
    memcpy(ret, bytes + PAGE_HEADER, sizeof(*ret));
    if (ret->magic != (uint32_t)META_MAGIC || !(h.flags & P_META))
        return store_corrupt(c->e, c->path, "its header is not that of a database");
    if (ret->version != META_VERSION)
        return err_set(c->e, ERR_STORE_FORMAT,
            what("the store %s has LMDB's data version %u", c->path, ret->version),
            why("this kard reads version %d", META_VERSION),
            fix("install the version of kard that wrote it"));
    return 0;
}

static bool page_bytes_good(uint32_t n)
{
    return n >= PAGE_BYTES_MIN && n <= PAGE_BYTES_MAX && (n & (n - 1)) == 0;
}

/* Finds the meta that LMDB will use, and what the walk needs of it. */
static int check_meta(struct check *c)
{
    struct meta m[2];
    int r = check_meta_read(c, 0, &m[0]);
    if (r < 0)
        return r;
    if (!page_bytes_good(m[0].free.pad))
        return check_bad(c, 0, "the size of a page is impossible");
    r = check_meta_read(c, m[0].free.pad, &m[1]);
    if (r < 0)
        return r;
    size_t newer = m[1].commit > m[0].commit;
    c->meta = m[newer];
    c->page_bytes = m[0].free.pad;
    if (m[0].free.pad != m[1].free.pad)
        return check_bad(c, 1, "the two headers disagree about the size of a page");
    /* A commit writes the page of its number's last bit, one commit after the other. */
    if ((c->meta.commit & 1) != newer || c->meta.commit - m[!newer].commit != 1)
        return check_bad(c, newer, "the numbers of the last two commits do not follow each other");
    if ((c->meta.free.flags & ~ENV_NOSUBDIR) != DB_INTEGERKEY || c->meta.main.flags != 0)
        return check_bad(c, newer, "its flags are not those of a store of kard");
    uint64_t pages = c->file_bytes / c->page_bytes;
    if (c->meta.last_page < 1 || c->meta.last_page >= pages + PAGES_BEYOND_END_MAX)
        return check_bad(c, newer, "the number of pages is impossible");
    c->used = mem_alloc((size_t)(c->meta.last_page / 8 + 1));
    c->used[0] = 3; /* the metas */
    return 0;
}

/* Takes n pages from `first` on for one use. */
static int check_use(struct check *c, uint64_t first, uint64_t n)
{
    if (first > c->meta.last_page || n > c->meta.last_page - first + 1)
        return check_bad(c, first, "is named, but lies behind the last page");
    for (uint64_t p = first; p < first + n; p++) {
        uint8_t bit = (uint8_t)(1u << (p & 7));
        if (c->used[p / 8] & bit)
            return check_bad(c, p, "is used twice");
        c->used[p / 8] |= bit;
    }
    return 0;
}

static int check_page_read(struct check *c, uint64_t number, uint8_t *ret, struct page_header *h)
{
    int r = check_use(c, number, 1);
    if (r == 0)
        r = check_read(c, number * c->page_bytes, ret, c->page_bytes);
    if (r < 0)
        return r;
    memcpy(h, ret, sizeof(*h));
    if (h->number != number)
        return check_bad(c, number, "carries another number");
    return 0;
}

/* --- nodes --- */

static size_t page_count(const struct page_header *h)
{
    return (size_t)(h->lower - PAGE_HEADER) / 2;
}

static uint16_t get_u16(const uint8_t *p)
{
    uint16_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* The node at index i of a page; false when any of it lies outside. */
static bool page_node(const struct check *c, const uint8_t *page, const struct page_header *h,
    size_t i, struct node *ret, size_t *ret_offset, size_t *ret_bytes)
{
    size_t at = get_u16(page + PAGE_HEADER + 2 * i);
    if (at < h->upper || at + NODE_HEADER > c->page_bytes || (at & 1))
        return false;
    const uint8_t *p = page + at;
    uint32_t low = (uint32_t)get_u16(p) | (uint32_t)get_u16(p + 2) << 16;
    uint16_t flags = get_u16(p + 4);
    *ret = (struct node){.key = p + NODE_HEADER, .key_n = get_u16(p + 6)};
    size_t bytes = NODE_HEADER + ret->key_n;
    if (h->flags == P_BRANCH) {
        ret->child = (uint64_t)low | (uint64_t)flags << 32;
    } else {
        if (flags & ~F_BIGDATA)
            return false; /* duplicates and named databases: not ours */
        ret->big = flags & F_BIGDATA;
        ret->value = ret->key + ret->key_n;
        ret->value_n = low;
        bytes += ret->big ? sizeof(uint64_t) : ret->value_n;
    }
    if (ret->key_n > KEY_BYTES_MAX || bytes > c->page_bytes - at)
        return false;
    *ret_offset = at;
    *ret_bytes = bytes + (bytes & 1);
    return true;
}

/* Whether the nodes fill what the page says is filled, without touching each other: LMDB moves
 * them by these numbers. */
static int check_page_nodes(
    struct check *c, uint64_t number, const uint8_t *page, const struct page_header *h)
{
    if (h->lower < PAGE_HEADER + 2 || (h->lower & 1) || h->lower > h->upper ||
        h->upper > c->page_bytes)
        return check_bad(c, number, "its bounds are impossible");
    uint8_t taken[PAGE_BYTES_MAX / 2 / 8] = {0}; /* a bit for each pair of bytes */
    size_t total = 0;
    for (size_t i = 0; i < page_count(h); i++) {
        struct node n;
        size_t at, bytes;
        if (!page_node(c, page, h, i, &n, &at, &bytes) || at + bytes > c->page_bytes)
            return check_bad(c, number, "an entry lies outside of it");
        for (size_t pair = at / 2; pair < (at + bytes) / 2; pair++) {
            if (taken[pair / 8] & (1u << (pair & 7)))
                return check_bad(c, number, "two entries overlap");
            taken[pair / 8] |= (uint8_t)(1u << (pair & 7));
        }
        total += bytes;
    }
    if (total != c->page_bytes - h->upper)
        return check_bad(c, number, "its entries do not fill what it says");
    return 0;
}

/* --- keys --- */

static int key_cmp(
    const struct check *c, const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    if (c->is_free_tree) {
        uint64_t x, y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return (x > y) - (x < y);
    }
    int r = memcmp(a, b, a_n < b_n ? a_n : b_n);
    return r ? r : (a_n > b_n) - (a_n < b_n);
}

/* Keys rise through the whole tree, and none is below the branch that leads to it. */
static int check_leaf_key(struct check *c, uint64_t number, const struct node *n)
{
    if (c->is_free_tree ? n->key_n != sizeof(uint64_t) : n->key_n == 0)
        return check_bad(c, number, "a key has an impossible length");
    if ((c->has_last && key_cmp(c, n->key, n->key_n, c->last, c->last_n) <= 0) ||
        (c->has_bound && key_cmp(c, n->key, n->key_n, c->bound, c->bound_n) < 0))
        return check_bad(c, number, "its keys are out of order");
    memcpy(c->last, n->key, n->key_n);
    c->last_n = n->key_n;
    c->has_last = true;
    c->has_bound = false;
    return 0;
}

static int check_branch_key(struct check *c, uint64_t number, const struct node *n)
{
    if (c->is_free_tree ? n->key_n != sizeof(uint64_t) : n->key_n == 0)
        return check_bad(c, number, "a key has an impossible length");
    if (c->has_last && key_cmp(c, n->key, n->key_n, c->last, c->last_n) <= 0)
        return check_bad(c, number, "its keys are out of order");
    memcpy(c->bound, n->key, n->key_n);
    c->bound_n = n->key_n;
    c->has_bound = true;
    return 0;
}

/* --- values --- */

static int check_overflow(
    struct check *c, uint64_t number, const struct node *n, const uint8_t **ret_value)
{
    uint64_t first;
    struct page_header h;
    uint8_t head[PAGE_HEADER];
    memcpy(&first, n->value, sizeof(first));
    uint64_t pages = (PAGE_HEADER - 1 + (uint64_t)n->value_n) / c->page_bytes + 1;
    if (n->value_n > VALUE_BYTES_MAX)
        return check_bad(c, number, "a value is impossibly long");
    if (first > c->meta.last_page)
        return check_bad(c, number, "a value lies behind the last page");
    int r = check_read(c, first * c->page_bytes, head, sizeof(head));
    if (r < 0)
        return r;
    memcpy(&h, head, sizeof(h));
    if (h.number != first || h.flags != P_OVERFLOW || h.pages < pages)
        return check_bad(c, first, "does not hold the value that it should");
    r = check_use(c, first, h.pages);
    if (r < 0)
        return r;
    /* Its room is believed up to the file's end: LMDB maps, but does not read, what is unused. */
    buf_clear(&c->overflow);
    uint64_t at = first * c->page_bytes + PAGE_HEADER;
    uint8_t block[4096];
    for (size_t left = n->value_n; left > 0;) {
        size_t take = left < sizeof(block) ? left : sizeof(block);
        r = check_read(c, at, block, take);
        if (r < 0)
            return r;
        buf_add(&c->overflow, block, take);
        at += take;
        left -= take;
    }
    *ret_value = c->overflow.p;
    return 0;
}

/* A record of the free tree: a count, and as many page numbers from high to low. */
static int check_free_list(
    struct check *c, uint64_t number, const struct node *n, const uint8_t *value)
{
    uint64_t commit, count, page, before = UINT64_MAX;
    memcpy(&commit, n->key, sizeof(commit));
    if (commit == 0 || commit > c->meta.commit)
        return check_bad(c, number, "pages were freed by a commit that never was");
    if (n->value_n < sizeof(count) || n->value_n % sizeof(count) != 0)
        return check_bad(c, number, "a list of free pages has an impossible length");
    memcpy(&count, value, sizeof(count));
    if (count > n->value_n / sizeof(count) - 1)
        return check_bad(c, number, "a list of free pages is longer than its record");
    for (uint64_t i = 1; i <= count; i++) {
        memcpy(&page, value + i * sizeof(page), sizeof(page));
        if (page < 2 || page >= before)
            return check_bad(c, number, "a list of free pages is out of order");
        before = page;
        int r = check_use(c, page, 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_leaf(
    struct check *c, uint64_t number, const uint8_t *page, const struct page_header *h)
{
    for (size_t i = 0; i < page_count(h); i++) {
        struct node n;
        size_t at, bytes;
        page_node(c, page, h, i, &n, &at, &bytes);
        const uint8_t *value = n.value;
        int r = check_leaf_key(c, number, &n);
        if (r == 0 && n.big)
            r = check_overflow(c, number, &n, &value);
        if (r == 0 && c->is_free_tree)
            r = check_free_list(c, number, &n, value);
        else if (r == 0)
            r = c->fn(c->ctx, n.key, n.key_n, value, n.value_n, c->e);
        if (r < 0)
            return r;
        c->entries++;
    }
    return 0;
}

/* --- trees --- */

static int check_subtree(struct check *c, uint64_t number, size_t level)
{
    if (!c->pages[level])
        c->pages[level] = mem_alloc(c->page_bytes);
    uint8_t *page = c->pages[level];
    struct page_header h;
    int r = check_page_read(c, number, page, &h);
    if (r < 0)
        return r;
    bool is_leaf = level + 1 == c->depth;
    if (h.flags != (is_leaf ? P_LEAF : P_BRANCH))
        return check_bad(c, number, "is of another sort than its place in the tree");
    r = check_page_nodes(c, number, page, &h);
    if (r < 0)
        return r;
    if (is_leaf)
        return check_leaf(c, number, page, &h);
    if (page_count(&h) < 2 && !c->is_free_tree) /* LMDB asserts it of the records' tree */
        return check_bad(c, number, "a branch leads to one page only");
    for (size_t i = 0; i < page_count(&h); i++) {
        struct node n;
        size_t at, bytes;
        page_node(c, page, &h, i, &n, &at, &bytes);
        if (i > 0) /* the first key of a branch is not used */
            r = check_branch_key(c, number, &n);
        if (r == 0)
            r = check_subtree(c, n.child, level + 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_tree(struct check *c, const struct tree_header *t, bool is_free_tree)
{
    c->is_free_tree = is_free_tree;
    c->depth = t->depth;
    c->entries = 0;
    c->has_last = c->has_bound = false;
    if (t->root == page_none) {
        if (t->depth != 0 || t->entries != 0)
            return check_bad(c, 0, "an empty tree is said to have entries");
        return 0;
    }
    if (t->depth == 0 || t->depth > DEPTH_MAX)
        return check_bad(c, t->root, "its tree has an impossible depth");
    int r = check_subtree(c, t->root, 0);
    if (r == 0 && c->entries != t->entries)
        return check_bad(c, t->root, "its tree has not as many entries as were written");
    return r;
}

int store_check_file(
    int fd, const char *path, store_record_fn fn, void *ctx, uint64_t *ret_commit, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(
            e, ERR_STORE_IO, what("the store %s cannot be read", path), strerror(errno), NULL);
    if (!S_ISREG(
            st.st_mode)) /* its size would mean nothing: of a directory it is the file system's */
        return err_set(e, ERR_STORE_IO, what("the store %s cannot be read", path),
            S_ISDIR(st.st_mode) ? "it is a directory" : "it is no file",
            fix("move it away, with kard stopped"));
    struct check c = {.fd = fd, .path = path, .e = e, .fn = fn, .ctx = ctx};
    c.file_bytes = (uint64_t)st.st_size;
    int r = check_meta(&c);
    if (r == 0)
        r = check_tree(&c, &c.meta.main, false);
    if (r == 0)
        r = check_tree(&c, &c.meta.free, true);
    if (r == 0)
        *ret_commit = c.meta.commit;
    free(c.used);
    for (size_t i = 0; i < DEPTH_MAX; i++)
        free(c.pages[i]);
    buf_done(&c.overflow);
    return r;
}

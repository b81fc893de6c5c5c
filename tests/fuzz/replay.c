/* replay.c: runs a fuzzer's corpus as an ordinary test, where there is no libFuzzer.
 *
 *   NAME_fuzz DIR|FILE…     each file as it is, then changed a little, many times
 *
 * The changes come from a seed that is printed and never changes, so that a failure here fails
 * again; an input that breaks the fuzzer is named before it runs (KAR_FUZZ_VERBOSE=1). */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "fuzz.h"

enum { FILE_BYTES_MAX = 1 << 20, MUTATIONS = 500, SEED = 8747 };

static size_t files, runs;

static void mutate(struct buf *b, struct rng *r)
{
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '"', '[', '{', ':', '-', '\n', ' '};
    size_t at = rng_below(r, b->n);
    switch (rng_below(r, 5)) {
    case 0:
        b->p[at] ^= (uint8_t)(1u << rng_below(r, 8));
        break;
    case 1:
        b->p[at] = telling[rng_below(r, sizeof(telling))];
        break;
    case 2: /* cut off */
        b->n = at;
        break;
    case 3: /* take a piece out */
        memmove(b->p + at, b->p + at + 1, b->n - at - 1);
        b->n--;
        break;
    default: { /* repeat a piece */
        size_t n = rng_between(r, 1, b->n - at);
        uint8_t *piece = mem_dup(b->p + at, n);
        buf_add(b, piece, n);
        free(piece);
    }
    }
}

/* A copy of its exact size, so that a sanitizer sees a byte too far. */
static void run(const struct buf *b)
{
    uint8_t *exact = malloc(b->n ? b->n : 1);
    FUZZ_CHECK(exact);
    if (b->n > 0)
        memcpy(exact, b->p, b->n);
    LLVMFuzzerTestOneInput(exact, b->n);
    free(exact);
    runs++;
}

static void replay_file(const char *path)
{
    struct buf input = BUF_INIT, b = BUF_INIT;
    struct err e;
    struct rng r;
    if (file_read(path, FILE_BYTES_MAX, &input, &e) < 0) {
        fprintf(stderr, "%s: %s\n", e.what, e.why);
        exit(1);
    }
    if (getenv("KAR_FUZZ_VERBOSE"))
        fprintf(stderr, "%s\n", path);
    run(&input);
    rng_seed(&r, SEED + files);
    for (int i = 0; i < MUTATIONS; i++) {
        buf_clear(&b);
        buf_add(&b, input.p, input.n);
        for (uint64_t k = rng_between(&r, 1, 3); k > 0 && b.n > 0; k--)
            mutate(&b, &r);
        run(&b);
    }
    files++;
    buf_done(&input);
    buf_done(&b);
}

static void replay_dir(const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = mem_printf("%s/%s", dir, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            replay_file(path);
        free(path);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            replay_dir(argv[i]);
        else
            replay_file(argv[i]);
    }
    fprintf(stderr, "%zu files, %zu runs, seed %d\n", files, runs, SEED);
    return files > 0 ? 0 : 1; /* an empty corpus is a broken test */
}

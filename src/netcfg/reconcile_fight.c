/* reconcile_fight.c: an item that is repaired again and again is fought over; after FIGHTS_MAX
 * repairs within FIGHTS_MS it is contested: reported, and left alone for a pause that doubles each
 * time, so that whoever stops first wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/reconcile_parts.h"

struct fight {
    object_id object;
    uint64_t fingerprint;                  /* of its object when it was contested */
    time_ms repairs[RECONCILE_FIGHTS_MAX]; /* the latest ones, a ring */
    unsigned repairs_n;
    unsigned pauses;
    time_ms until; /* contested until then; 0: not */
    bool differs;  /* in the plan that is being made */
    struct err reason;
};

char *fight_key(const struct kop *op, enum netattr attr, char ret_key[FIGHT_KEY])
{
    char text[KOP_TEXT];
    if (op->type == KOP_LINK_SET)
        snprintf(ret_key, FIGHT_KEY, "%s %s", op->link->name, netattrs[attr].name);
    else if (op->type <= KOP_LINK_RENAME)
        snprintf(
            ret_key, FIGHT_KEY, "%s", op->type == KOP_LINK_RENAME ? op->new_name : op->link->name);
    else
        snprintf(ret_key, FIGHT_KEY, "%.*s", FIGHT_KEY - 1, kop_format(op, text));
    return ret_key;
}

static bool is_busy(const struct fight *f, time_ms now)
{
    if (f->repairs_n < RECONCILE_FIGHTS_MAX)
        return false;
    return now - f->repairs[f->repairs_n % RECONCILE_FIGHTS_MAX] <= RECONCILE_FIGHTS_MS;
}

static void contest(struct fight *f, const char *text, time_ms now)
{
    time_ms pause = RECONCILE_CONTESTED_MS_MIN;
    for (unsigned i = 0; i < f->pauses && pause < RECONCILE_CONTESTED_MS_MAX; i++)
        pause *= 2;
    pause = pause < RECONCILE_CONTESTED_MS_MAX ? pause : RECONCILE_CONTESTED_MS_MAX;
    f->pauses++;
    f->until = now + pause;
    f->repairs_n = 0;
    err_set(&f->reason, ERR_BLOCKED, what("contested: %s", text),
        why("somebody undid %d repairs within %d s, it is left alone for %lld s",
            RECONCILE_FIGHTS_MAX, RECONCILE_FIGHTS_MS / 1000, (long long)(pause / 1000)),
        fix("stop what else manages the interface (NetworkManager, networkd, a script)"));
}

enum fight_verdict fight_ask(struct fights *fs, const char *key, const object_id *object,
    const struct netstate *desired, const char *text, time_ms now)
{
    struct fight *f = map_get_str(&fs->by_key, key);
    if (f == NULL) {
        f = MEM_NEW(struct fight);
        map_set_str(&fs->by_key, key, f);
    }
    f->object = *object;

    f->differs = true;
    if (f->until != 0 && now < f->until)
        return FIGHT_CONTESTED;
    f->until = 0;
    if (!is_busy(f, now))
        return FIGHT_REPAIR;
    contest(f, text, now);
    f->fingerprint = netstate_fingerprint(desired, object);
    return FIGHT_LOST;
}

void fight_note(struct fights *fs, const char *key, time_ms now)
{
    struct fight *f = map_get_str(&fs->by_key, key);
    if (f != NULL)
        f->repairs[f->repairs_n++ % RECONCILE_FIGHTS_MAX] = now;
}

void fights_begin(struct fights *fs)
{
    void *v;
    for (size_t i = 0; map_each(&fs->by_key, &i, NULL, NULL, &v);)
        ((struct fight *)v)->differs = false;
}

/* Drops the entries for which `over` says so. */
static void fights_drop(
    struct fights *fs, bool (*over)(const struct fight *, const void *), const void *arg)
{
    struct fights kept = {0};
    const void *key;
    size_t n;
    void *v;
    bool any = false;
    for (size_t i = 0; map_each(&fs->by_key, &i, &key, &n, &v);)
        any |= over(v, arg);
    if (!any)
        return;
    for (size_t i = 0; map_each(&fs->by_key, &i, &key, &n, &v);) {
        if (over(v, arg))
            free(v);
        else
            map_set(&kept.by_key, key, n, v);
    }
    map_done(&fs->by_key);
    *fs = kept;
}

/* Settled: it is as wanted, and nobody fought lately. */
static bool is_over(const struct fight *f, const void *now_)
{
    const time_ms *now = now_;
    if (f->differs)
        return false;
    if (f->until != 0)
        return true; /* contested, and the other side gave in */
    time_ms last = f->repairs_n > 0 ? f->repairs[(f->repairs_n - 1) % RECONCILE_FIGHTS_MAX]
                                    : *now - RECONCILE_FIGHTS_MS - 1;
    return *now - last > RECONCILE_FIGHTS_MS;
}

bool fights_end(struct fights *fs, time_ms now)
{
    bool contested = fights_any(fs);
    fights_drop(fs, is_over, &now);
    return contested && !fights_any(fs);
}

static bool is_edited(const struct fight *f, const void *desired)
{
    return f->until != 0 && netstate_fingerprint(desired, &f->object) != f->fingerprint;
}

void fights_edited(struct fights *fs, const struct netstate *desired)
{
    fights_drop(fs, is_edited, desired);
}

const struct err *fights_contested(const struct fights *fs, const object_id *object)
{
    void *v;
    for (size_t i = 0; map_each(&fs->by_key, &i, NULL, NULL, &v);) {
        const struct fight *f = v;
        if (f->until != 0 && ID_EQ(&f->object, object))
            return &f->reason;
    }
    return NULL;
}

bool fights_any(const struct fights *fs)
{
    return fights_next(fs) != TIME_NEVER;
}

time_ms fights_next(const struct fights *fs)
{
    time_ms next = TIME_NEVER;
    void *v;
    for (size_t i = 0; map_each(&fs->by_key, &i, NULL, NULL, &v);) {
        const struct fight *f = v;
        if (f->until != 0 && f->until < next)
            next = f->until;
    }
    return next;
}

void fights_done(struct fights *fs)
{
    map_done_with(&fs->by_key, free);
}

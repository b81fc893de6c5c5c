/* agent_clock.c: how this node's wall clock stands to those of the others.
 *
 * Nothing is refused or left out for its clock; but of two edits that are unaware of each other the
 * later one wins, so who makes changes by a clock that is off is told so first. What time it is
 * elsewhere rides on probes (gossip); a median is moved by no single clock. */
#include "kard/agent_clock.h"

#include <stdlib.h>

#include "api/method.h"
#include "base/mem.h"
#include "intent/words.h"
#include "kard/agent_parts.h"

static int time_cmp(const void *x, const void *y)
{
    time_ms a = *(const time_ms *)x, b = *(const time_ms *)y;
    return (a > b) - (a < b);
}

time_ms clock_median(const time_ms *v, size_t n)
{
    time_ms *sorted = mem_dup(v, n * sizeof(*v));
    qsort(sorted, n, sizeof(*sorted), time_cmp);
    time_ms low = sorted[(n - 1) / 2], high = sorted[n / 2];
    free(sorted);
    return low > 0 ? low : high < 0 ? high : 0;
}

/* What the clock of this member is ahead of ours. */
static bool member_ahead(const struct agent *a, const struct member *m, time_ms *ret)
{
    struct member_life life;
    if (m->is.removed || !gossip_member(a->gossip.step, &m->is.id, &life) || !life.clocked ||
        (life.state != MEMBER_ALIVE && life.state != MEMBER_SUSPECT))
        return false;
    *ret = life.ahead_ms;
    return true;
}

bool agent_clock_behind(const struct agent *a, time_ms *ret_ms)
{
    struct {
        time_ms *v;
        size_t n, cap;
    } all = {0};
    time_ms ahead;
    for (size_t i = 0; a->gossip.step && i < a->members.n; i++)
        if (member_ahead(a, a->members.v[i], &ahead))
            VEC_PUSH(&all, ahead);
    if (all.n > 0)
        *ret_ms = clock_median(all.v, all.n);
    free(all.v);
    return all.n > 0;
}

static bool is_off(time_ms ms)
{
    return ms > CLOCK_OFF_MS || ms < -CLOCK_OFF_MS;
}

int agent_clock_gate(const struct agent *a, bool force, struct err *e)
{
    time_ms behind;
    if (force || !agent_clock_behind(a, &behind) || !is_off(behind))
        return 0;
    return err_set(e, ERR_CLOCK,
        what("the clock of %.64s is %lld s %s those of the other nodes", a->node,
            (long long)(llabs(behind) / 1000), behind > 0 ? "behind" : "ahead of"),
        why("of two edits made at once the one that is later by its clock stands: this one would "
            "%s others",
            behind > 0 ? "lose against" : "win over"),
        fix("set the clock: timedatectl; or say --force"));
}

/* --- the doctor's ----------------------------------------------------------------------------- */

static void check_ours(const struct agent *a, time_ms behind, struct checks *l)
{
    char at[TIME_TEXT];
    time_ms back = hlc_wall(a->hlc) - agent_wall(a);
    if (is_off(behind))
        checks_add(l, "clock", CHECK_WARN,
            what("the clock is %lld s %s those of the other nodes",
                (long long)(llabs(behind) / 1000), behind > 0 ? "behind" : "ahead of"),
            why("of edits made at once the later one stands; changes here ask for --force"),
            fix("set the clock: timedatectl"));
    else if (back > CLOCK_OFF_MS)
        checks_add(l, "clock", CHECK_WARN,
            what("the clock stands %lld s before the last change", (long long)(back / 1000)),
            why("that was at %s by this cluster's clocks", time_wall_format(hlc_wall(a->hlc), at)),
            fix("set the clock: timedatectl"));
    else
        checks_add(
            l, "clock", CHECK_OK, what("the clock stands behind the last change"), NULL, NULL);
}

void agent_clock_checks(const struct agent *a, struct checks *l)
{
    time_ms behind = 0, ahead;
    struct words names = {0};
    bool heard = agent_clock_behind(a, &behind);
    check_ours(a, behind, l);
    for (size_t i = 0; heard && i < a->members.n; i++)
        if (member_ahead(a, a->members.v[i], &ahead) && is_off(ahead - behind))
            words_add(&names, a->members.v[i]->name);
    if (names.n > 0)
        checks_add(l, "cluster: clocks", CHECK_WARN,
            what("more than %d s off most others: %s", CLOCK_OFF_MS / 1000, words_text(&names)),
            why("of edits made at once the one that is later by its clock stands"),
            fix("set the clocks there: timedatectl"));
}

/* view_state.c: how the cluster is: status, drift, doctor, conflicts. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/human.h"
#include "cli/view.h"

/* {active: 3, blocked: 1} as "3 active, 1 blocked", each in its colour; `none` when there are none.
 */
static void print_counts(struct screen *s, const struct value *counts, const char *none)
{
    size_t said = 0;

    for (size_t i = 0; value_is(counts, VALUE_MAP) && i < counts->n; i++) {
        int64_t n = value_is(counts->v[i], VALUE_INT) ? counts->v[i]->i : 0;
        if (n <= 0)
            continue;
        screen_printf(s, "%s%lld ", said++ ? ", " : "", (long long)n);
        screen_style(s, state_style(counts->keys[i]), "%s", counts->keys[i]);
    }
    if (said == 0)
        screen_printf(s, "%s", none);
}

/* --- status ---------------------------------------------------------------------------------- */

static const char *name_of(const struct value *v)
{
    const char *name = value_is(v, VALUE_TEXT) ? v->s : value_get_text(v, "name");
    return name ? name : "none";
}

/* What runs on a node that is not reached is not known: nothing is counted. */
static void print_away(struct screen *s, const struct value *n, const char *member)
{
    const struct value *heard = value_get(n, "heard_ms");
    char text[HUMAN_TEXT];

    screen_style(s, STYLE_WARN, "%s", member);
    if (value_is(heard, VALUE_INT))
        screen_printf(s, ", heard of %s ago", age_format(heard->i, text));
}

/* What it has; of another node also how far away that is. */
static void print_reached(struct screen *s, const struct value *n, const char *member)
{
    const struct value *rtt = value_get(n, "rtt_ms");

    print_counts(s, value_get(n, "objects"), "no objects");
    if (!member || value_get_bool(n, "self", false))
        return;
    if (value_is(rtt, VALUE_INT))
        screen_printf(s, "; %lld ms away", (long long)rtt->i);
    if (!value_get_bool(n, "in_sync", true))
        screen_printf(s, "; does not know all yet");
}

static void print_status_nodes(struct screen *s, const struct value *nodes)
{
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        const struct value *n = nodes->v[i];
        const char *state = value_get_text(n, "state"), *member = value_get_text(n, "member");
        bool converged = value_get_bool(n, "converged", true);
        bool away = member && strcmp(member, "alive") != 0 && !value_get_bool(n, "self", false);
        screen_printf(s, " %s %s ", name_of(n), state_mark(s, state));
        screen_style(s, state_style(state), "%s", state ? state : "unknown");
        screen_printf(s, "%s%s  ", value_get_bool(n, "self", false) ? " (this node)" : "",
            converged ? "" : ", not converged");
        if (away)
            print_away(s, n, member);
        else
            print_reached(s, n, member);
        screen_printf(s, "\n");
    }
}

static void print_not_active(struct screen *s, const struct value *list)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        const struct value *o = list->v[i], *reason = value_get(o, "reason");
        const char *state = value_get_text(o, "state");
        struct buf title = BUF_INIT;
        char age[HUMAN_TEXT];

        thing_to_title(o, &title);
        screen_printf(s, "\n%s %s: ", state_mark(s, state), buf_cstr(&title));
        screen_style(s, state_style(state), "%s", state ? state : "unknown");
        age_of(s, value_get_text(o, "since"), age);
        if (*age)
            screen_printf(s, " for %s", age);
        if (*reason_what(reason))
            screen_printf(s, ": %s", reason_what(reason));
        screen_printf(s, "\n");
        reason_print(s, reason, 4);
        buf_done(&title);
    }
}

static void print_status(struct screen *s, const struct value *result)
{
    const struct value *change = value_get(result, "last_change");
    bool converged = value_get_bool(result, "converged", false);
    char age[HUMAN_TEXT], id[16];

    if (!value_is(value_get(result, "cluster"), VALUE_MAP)) {
        screen_printf(s, "this node is in no cluster yet; found one: karctl init, or join one: "
                         "karctl join TOKEN\n");
        return;
    }
    if (value_get_bool(result, "removed", false))
        screen_style(s, STYLE_BAD,
            "this node was removed from its cluster: karctl leave, then join again\n");
    screen_printf(s, "cluster ");
    screen_style(s, STYLE_STRONG, "%s", name_of(value_get(result, "cluster")));
    screen_printf(s, ", seen from %s: ", name_of(value_get(result, "node")));
    screen_style(
        s, converged ? STYLE_GOOD : STYLE_WARN, "%s\n", converged ? "converged" : "not converged");
    print_status_nodes(s, value_get(result, "nodes"));
    screen_printf(s, "objects: ");
    print_counts(s, value_get(result, "objects"), "none");
    screen_printf(s, "\n");
    if (value_is(change, VALUE_MAP)) {
        const char *message = value_get_text(change, "message");
        const char *author = value_get_text(change, "author");
        screen_printf(s, "last change: %s, %s ago%s%s%s%s\n",
            id_short(value_get_text(change, "change"), id),
            age_of(s, value_get_text(change, "at"), age), author ? " by " : "",
            author ? author : "", message && *message ? ": " : "", message ? message : "");
    }
    print_not_active(s, value_get(result, "not_active"));
}

/* Pending and waiting are no fault; everything else that is not active is. */
static int exit_of_status(const struct value *result)
{
    const struct value *list = value_get(result, "not_active");

    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        const char *state = value_get_text(list->v[i], "state");
        if (state && strcmp(state, "pending") != 0 && strcmp(state, "waiting") != 0 &&
            strcmp(state, "applying") != 0)
            return EXIT_DIFFERS;
    }
    return EXIT_DONE;
}

const struct view view_status = {.print = print_status, .exit = exit_of_status};

/* --- drift ----------------------------------------------------------------------------------- */

static void print_drift_list(
    struct screen *s, const char *title, enum style style, const struct value *list)
{
    if (!value_is(list, VALUE_LIST) || list->n == 0)
        return;
    screen_style(s, style, "%s\n", title);
    for (size_t i = 0; i < list->n; i++) {
        const char *text = value_get_text(list->v[i], "text");
        struct buf b = BUF_INIT;
        char age[HUMAN_TEXT];
        thing_to_title(list->v[i], &b);
        age_of(s, value_get_text(list->v[i], "at"), age);
        screen_printf(s, "  %s: %s%s%s%s\n", buf_cstr(&b), text ? text : "differs",
            *age ? ", " : "", age, *age ? " ago" : "");
        buf_done(&b);
    }
}

static void print_drift(struct screen *s, const struct value *result)
{
    const struct value *standing = value_get(result, "standing");

    if (!value_is(standing, VALUE_LIST) || standing->n == 0)
        screen_printf(s, "no drift: the kernel is as it was asked to be\n");
    print_drift_list(s, "standing", STYLE_WARN, standing);
    print_drift_list(s, "repaired", STYLE_GOOD, value_get(result, "repaired"));
}

static int exit_of_drift(const struct value *result)
{
    const struct value *standing = value_get(result, "standing");
    return value_is(standing, VALUE_LIST) && standing->n > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

const struct view view_drift = {.print = print_drift, .exit = exit_of_drift};

/* --- doctor ---------------------------------------------------------------------------------- */

static size_t count_checks(const struct value *result, const char *wanted)
{
    const struct value *checks = value_get(result, "checks");
    size_t n = 0;

    for (size_t i = 0; value_is(checks, VALUE_LIST) && i < checks->n; i++) {
        const char *is = value_get_text(checks->v[i], "result");
        n += is && strcmp(is, wanted) == 0;
    }
    return n;
}

static void print_doctor(struct screen *s, const struct value *result)
{
    const struct value *checks = value_get(result, "checks");
    size_t warnings = count_checks(result, "warn"), failures = count_checks(result, "fail");

    for (size_t i = 0; value_is(checks, VALUE_LIST) && i < checks->n; i++) {
        const struct value *c = checks->v[i];
        const char *is = value_get_text(c, "result"), *name = value_get_text(c, "name");
        const char *text = value_get_text(c, "what");
        screen_style(s, state_style(is), "%s", state_mark(s, is));
        screen_printf(
            s, " %s%s%s\n", name ? name : "?", text && *text ? ": " : "", text ? text : "");
        if (is && strcmp(is, "ok") != 0)
            reason_print(s, c, 4);
    }
    screen_printf(
        s, "%zu ok, %zu to look at, %zu failed\n", count_checks(result, "ok"), warnings, failures);
}

static int exit_of_doctor(const struct value *result)
{
    return count_checks(result, "fail") > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

const struct view view_doctor = {.print = print_doctor, .exit = exit_of_doctor};

/* --- conflicts ------------------------------------------------------------------------------- */

/* "change 7f3a by root on n1 at 2026-01-31 12:00: tag=110". */
static void print_edit(struct screen *s, const char *label, const struct value *edit)
{
    const char *change = value_get_text(edit, "change"), *author = value_get_text(edit, "author");
    const char *node = value_get_text(edit, "node"), *at = value_get_text(edit, "at");
    const char *op = value_get_text(edit, "op");
    const struct value *reason = value_get(edit, "reason");
    struct buf b = BUF_INIT;
    char id[16];

    if (op && strcmp(op, "delete") == 0)
        buf_add_str(&b, "deleted");
    else
        value_to_words(value_get(edit, "spec"), ", ", &b);
    screen_printf(s, "  %s: change %s by %s on %s", label, id_short(change, id),
        author ? author : "?", node ? node : "?");
    if (at && strlen(at) > 16)
        screen_printf(s, " at %.10s %.5s", at, at + 11);
    screen_printf(s, "%s%s\n", b.n ? ": " : "", buf_cstr(&b));
    if (*reason_what(reason))
        screen_printf(s, "    refused: %s\n", reason_what(reason));
    buf_done(&b);
}

static bool lost_by_refusal(const struct value *losers)
{
    bool all = value_is(losers, VALUE_LIST) && losers->n > 0;

    for (size_t i = 0; all && i < losers->n; i++) {
        const char *standing = value_get_text(losers->v[i], "standing");
        all = standing && strcmp(standing, "refused") == 0;
    }
    return all;
}

static void print_edits(struct screen *s, const struct value *list, const char *others)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        const struct value *c = list->v[i], *edits = value_get(c, others);
        const char *fix_ = value_get_text(c, "fix");
        bool waiting = strcmp(others, "waiting") == 0;
        struct buf title = BUF_INIT;
        thing_to_title(c, &title);
        screen_style(s, waiting ? STYLE_PLAIN : STYLE_WARN, "%s %s\n", buf_cstr(&title),
            waiting ? "has an edit that waits for the node that founded the cluster"
            : lost_by_refusal(edits) ? "has an edit that was refused"
                                     : "was edited twice at once");
        buf_done(&title);
        print_edit(s, "in force", value_get(c, "winner"));
        for (size_t k = 0; value_is(edits, VALUE_LIST) && k < edits->n; k++)
            print_edit(s, waiting ? "waits" : "set aside", edits->v[k]);
        if (fix_)
            screen_printf(s, "  fix: %s\n", fix_);
    }
}

static void print_objects(struct screen *s, const struct value *list)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        const struct value *reason = value_get(list->v[i], "reason");
        const char *state = value_get_text(list->v[i], "state");
        struct buf title = BUF_INIT;
        thing_to_title(list->v[i], &title);
        if (state)
            screen_style(s, state_style(state), "%s is %s: %s\n", buf_cstr(&title), state,
                reason_what(reason));
        else
            screen_style(s, STYLE_WARN, "%s\n", reason_what(reason));
        buf_done(&title);
        reason_print(s, reason, 2);
    }
}

static const char *const conflict_lists[] = {"conflicts", "not_admitted", "leftovers", "pending"};

static void print_conflicts(struct screen *s, const struct value *result)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(conflict_lists); i++) {
        const struct value *list = value_get(result, conflict_lists[i]);
        n += value_is(list, VALUE_LIST) ? list->n : 0;
    }
    print_edits(s, value_get(result, "conflicts"), "losers");
    print_objects(s, value_get(result, "not_admitted"));
    print_objects(s, value_get(result, "leftovers"));
    print_edits(s, value_get(result, "pending"), "waiting");
    if (n == 0)
        screen_printf(s, "no conflicts\n");
}

/* What only waits decides itself. */
static int exit_of_conflicts(const struct value *result)
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(conflict_lists) - 1; i++) {
        const struct value *list = value_get(result, conflict_lists[i]);
        for (size_t k = 0; value_is(list, VALUE_LIST) && k < list->n; k++) {
            const char *state = value_get_text(list->v[k], "state");
            n += !state || strcmp(state, "pending") != 0;
        }
    }
    return n > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

const struct view view_conflicts = {.print = print_conflicts, .exit = exit_of_conflicts};

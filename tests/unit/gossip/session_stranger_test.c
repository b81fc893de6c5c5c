/* session_stranger_test.c: who is not known shows the changes that let it in. */
#include "session_world.h"

/* Node 0 is unknown to node 1 until that is told to believe it. */
struct strange {
    struct world w;
    struct gossip_view views[2];
    bool known;
    const char *admissions[4]; /* node 0's: its own, that of who let it in, … */
    const char *believed;      /* what node 1 takes; "": nothing */
    int refusal;
    char asked[512]; /* what it was shown, in order */
    size_t shown_bytes_max;
};

static bool member_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    const struct strange *s = ctx;
    if (*cursor == 0 && !s->known)
        (*cursor)++;
    if (*cursor >= 2)
        return false;
    *ret = s->w.nodes[(*cursor)++].record;
    return true;
}

static bool member_all(void *ctx, size_t *cursor, struct member_record *ret)
{
    struct strange *s = ctx;
    return world_member_each(&s->w, cursor, ret);
}

static int admission(void *ctx, unsigned n, struct buf *ret)
{
    const struct strange *s = ctx;
    if (n >= ARRAY_LEN(s->admissions) || !s->admissions[n])
        return -ERR_NOT_FOUND;
    buf_add(ret, s->admissions[n], strlen(s->admissions[n]));
    return 0;
}

/* Who let in the caller is believed first, then the caller; that is a member then. */
static int admit(void *ctx, const uint8_t *p, size_t n)
{
    struct strange *s = ctx;
    size_t at = strlen(s->asked);
    snprintf(s->asked + at, sizeof(s->asked) - at, "%.*s ", (int)n, (const char *)p);
    for (size_t i = 0; i < ARRAY_LEN(s->admissions) && s->admissions[i]; i++) {
        if (strlen(s->admissions[i]) != n || memcmp(s->admissions[i], p, n) != 0)
            continue;
        bool last = i + 1 == ARRAY_LEN(s->admissions) || !s->admissions[i + 1];
        if (!(last ? *s->believed : s->believed == s->admissions[i + 1]))
            return s->refusal;
        s->believed = s->admissions[i];
        s->known = i == 0;
        sessions_members(s->w.nodes[1].sessions);
        return 0;
    }
    return -ERR_SYNTAX;
}

static void node_begin(struct strange *s, int i)
{
    struct node *n = &s->w.nodes[i];
    sessions_free(n->sessions);
    n->sessions = sessions_new(&(struct session_options){.self = n->record.id,
        .cluster = world_cluster,
        .epoch = ++n->epoch,
        .key = n->key,
        .view = &s->views[i],
        .random_ctx = &s->w,
        .random = world_random,
        .admit_ctx = s,
        .admit = admit});
}

static void strange_start(struct strange *s)
{
    *s = (struct strange){.believed = "?", .refusal = -ERR_NODE_UNKNOWN};
    world_start(&s->w, 2);
    s->views[0] = (struct gossip_view){.ctx = s, .member_each = member_all, .admission = admission};
    s->views[1] = (struct gossip_view){.ctx = s, .member_each = member_each};
    node_begin(s, 0);
    node_begin(s, 1);
}

static bool wire_has(const struct world *w, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(w->record); i++)
        if (w->record[i].n && memmem(w->record[i].p, w->record[i].n, text, strlen(text)))
            return true;
    return false;
}

/* Both are up, and heard a word of each other. */
static void expect_meeting(struct strange *s)
{
    struct world *w = &s->w;
    assert_true(node_up(w, 0, 1) && node_up(w, 1, 0));
    assert_int_equal(node_say(w, 0, 1, "hello"), 0);
    assert_int_equal(node_say(w, 1, 0, "you"), 0);
    world_settle(w);
    assert_string_equal(w->nodes[1].heard[0], "hello");
    assert_string_equal(w->nodes[0].heard[0], "you");
}

static void a_stranger_is_believed(void **state)
{
    (void)state;
    static struct strange s;
    static const size_t lengths[] = {PACKET_INITIATION_BYTES, PACKET_RESPONSE_BYTES,
        PACKET_INITIATION_BYTES + 12, PACKET_RESPONSE_BYTES, PACKET_INITIATION_BYTES + 12,
        PACKET_RESPONSE_BYTES};
    strange_start(&s);
    s.admissions[0] = "let in by n2";
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&s.w);
    assert_string_equal(s.asked, "let in by n2 ");
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        assert_int_equal(s.w.record[i].n, lengths[i]);
    assert_false(wire_has(&s.w, "n2"));
    expect_meeting(&s);
    world_done(&s.w);
}

/* It shows who let it in, who let that one in, and so on, until somebody is known; then back. */
static void a_stranger_shows_who_let_in_whom(void **state)
{
    (void)state;
    static struct strange s;
    strange_start(&s);
    for (size_t i = 0; i < 4; i++)
        s.admissions[i] = (const char *[]){"1by2", "2by3", "3by4", "4by5"}[i];
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&s.w);
    assert_string_equal(s.asked, "1by2 2by3 3by4 4by5 3by4 2by3 1by2 ");
    expect_meeting(&s);
    world_done(&s.w);
}

/* Nobody believes it: it asks as patiently as anybody who gets no answer. */
static void a_stranger_is_not_believed(void **state)
{
    (void)state;
    static struct strange s;
    strange_start(&s);
    s.believed = "";
    s.admissions[0] = "A";
    s.admissions[1] = "B";
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_run(&s.w, 60000);
    assert_in_range(s.w.carried, 4, 2 * SESSION_SHOW_MAX + 30);
    assert_true(strncmp(s.asked, "A B A ", 6) == 0);
    assert_false(node_up(&s.w, 0, 1));
    assert_int_equal(s.w.nodes[0].ups + s.w.nodes[1].ups, 0);
    assert_int_equal(s.w.nodes[1].sessions->indices.n, 0); /* nothing is kept of it */
    s.believed = "?"; /* now somebody has told node 1 of who let in whom */
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&s.w);
    expect_meeting(&s);
    world_done(&s.w);
}

static void who_was_let_in_too_late_hears_it(void **state)
{
    (void)state;
    static struct strange s;
    strange_start(&s);
    s.believed = "";
    s.refusal = -ERR_DENIED;
    s.admissions[0] = "A";
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&s.w);
    assert_int_equal(s.w.nodes[0].removed_by, 1);
    assert_false(node_up(&s.w, 0, 1) || node_up(&s.w, 1, 0));
    world_done(&s.w);
}

/* It has nothing to show, or too much for a datagram: it goes on calling as everybody does, and is
 * welcome when node 1 has heard of it. */
static void a_stranger_with_nothing_to_show(void **state)
{
    (void)state;
    static char fits[PACKET_INTRODUCED_MAX + 1], long_one[PACKET_INTRODUCED_MAX + 2];
    const char *const shows[] = {NULL, long_one, fits};
    memset(fits, 'f', sizeof(fits) - 1);
    memset(long_one, 'l', sizeof(long_one) - 1);
    for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
        static struct strange s;
        strange_start(&s);
        s.believed = "";
        s.admissions[0] = shows[i];
        assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
        world_run(&s.w, 3000);
        assert_int_equal(s.w.record[2].n,
            PACKET_INITIATION_BYTES + (shows[i] == fits ? PACKET_INTRODUCED_MAX : 0));
        assert_int_equal(s.asked[0] != 0, shows[i] == fits);
        s.known = true;
        sessions_members(s.w.nodes[1].sessions);
        world_run(&s.w, 2500);
        expect_meeting(&s);
        world_done(&s.w);
    }
}

/* A flood of strangers: a few are answered, never by more than they sent, and members go on. */
static void a_flood_of_strangers(void **state)
{
    (void)state;
    static struct strange s;
    size_t answered = 0;
    strange_start(&s);
    s.believed = "";
    for (int i = 0; i < 100; i++) {
        struct datagram d;
        node_begin(&s, 0);
        assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
        node_flush(&s.w, 0);
        assert_int_equal(s.w.wire_n, 1);
        d = s.w.wire[--s.w.wire_n];
        int r = node_hear(&s.w, 1, &d.source, d.bytes.p, d.bytes.n);
        size_t out = node_flush(&s.w, 1);
        assert_int_equal(r, out ? -ERR_SIGNATURE : -ERR_LIMIT);
        assert_true(out <= d.bytes.n);
        answered += out > 0;
        while (s.w.wire_n > 0)
            buf_done(&s.w.wire[--s.w.wire_n].bytes);
        buf_done(&d.bytes);
    }
    assert_int_equal(answered, SESSION_STRANGERS_PER_S);
    world_done(&s.w);
}

/* What it showed is recorded, and comes again from somewhere else: an answer that nobody but the
 * stranger can read, and no session. */
static void an_introduction_is_replayed(void **state)
{
    (void)state;
    static struct strange s;
    const struct endpoint elsewhere = {.ip = {.family = 4, .b = {10, 9, 9, 9}}, .port = 1};
    strange_start(&s);
    s.admissions[0] = "A";
    assert_int_equal(node_say(&s.w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&s.w);
    expect_meeting(&s);
    struct buf shown = {0};
    buf_add(&shown, s.w.record[2].p, s.w.record[2].n);
    assert_int_equal(shown.p[0], PACKET_INTRODUCTION);
    /* to who knows it by now: older than what it called with last */
    assert_int_equal(node_hear(&s.w, 1, &elsewhere, shown.p, shown.n), -ERR_STALE);
    size_t ups = s.w.nodes[1].ups;
    node_begin(&s, 1); /* to who has forgotten */
    s.known = false;
    sessions_members(s.w.nodes[1].sessions);
    assert_int_equal(node_hear(&s.w, 1, &elsewhere, shown.p, shown.n), 0);
    assert_int_equal(s.w.nodes[1].ups, ups);
    assert_false(node_up(&s.w, 1, 0));
    node_flush(&s.w, 1);
    while (s.w.wire_n > 0) {
        struct datagram d = s.w.wire[--s.w.wire_n];
        assert_true(d.bytes.n <= shown.n);
        buf_done(&d.bytes);
    }
    buf_done(&shown);
    world_done(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_is_believed),
        cmocka_unit_test(a_stranger_shows_who_let_in_whom),
        cmocka_unit_test(a_stranger_is_not_believed),
        cmocka_unit_test(who_was_let_in_too_late_hears_it),
        cmocka_unit_test(a_stranger_with_nothing_to_show),
        cmocka_unit_test(a_flood_of_strangers),
        cmocka_unit_test(an_introduction_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

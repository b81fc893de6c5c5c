/* wiretap_test.c: two real kards, and somebody who keeps every byte of UDP and TCP between them: of
 * joining, of changes small and large, of facts and questions. Nothing that they store and nothing
 * that an operator wrote stands in it; no run of readable text does at all.
 *
 *   node-number-one 127.0.0.1 ──── lo ──── node-number-two 127.0.0.2
 *
 * One life from the first test to the last. Each says first that it would see what it denies. */
#include "hostile_lab.h"

#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/mem.h"
#include "gossip/token.h"
#include "intent/store.h"
#include "kernel_lab.h"

enum {
    PORTS = 20,    /* of the large change: more than a datagram holds */
    WINDOW = 24,   /* bytes of a record that are looked for: longer than an id, which may be in the
                      clear where somebody joins */
    READABLE = 24, /* a run of so many printable bytes is no accident: (95/256)^24 ≈ 5e-11 */
    SPREAD_MS = 15000,
    STORE_MAX = 64 << 20,
};

static const char one[] = "node-number-one", two[] = "node-number-two";
static const char cluster_name[] = "the-name-of-the-cluster",
                  label_value[] = "rack-nobody-must-know";
static const char message[] = "the message that nobody on the road may read";
static const char owner[] = "owner-of-the-large-change", nic[] = "wiretap-nic0";
static const char control[] = "control: this stands on the wire in the clear";

static struct daemon n1, n2;
static char *store1, *store2; /* where they keep it */
static struct wire wire;
static struct token token;
static struct buf token_text;

/* --- what the kards say ----------------------------------------------------------------------- */

static void expect_result(json_t *v)
{
    if (!json_object_get(v, "result"))
        fail_msg("%s: %s", answer_text(v, "error.what"), answer_text(v, "error.why"));
}

static void file_of(const char *store, struct buf *ret)
{
    struct err e;
    char *path = mem_printf("%s/kard.mdb", store);
    if (file_read(path, STORE_MAX, ret, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    free(path);
}

/* Applies documents on a node; waits until the other has the change. */
static void change(const struct daemon *on, const struct daemon *other, const char *docs)
{
    char id[65] = "", last[65] = "";
    json_t *v = daemon_ask(on, "change.apply",
        "{\"docs\": [%s], \"message\": \"%s\", \"yes\": true, \"wait\": false}", docs, message);
    expect_result(v);
    snprintf(id, sizeof(id), "%s", answer_text(v, "result.change"));
    json_decref(v);
    for (time_ms end = clock_monotonic() + SPREAD_MS; clock_monotonic() < end;) {
        wire_listen(&wire, 20);
        v = daemon_ask(other, "history.list", "{\"limit\": 1}");
        snprintf(last, sizeof(last), "%s", answer_text(v, "result.changes.0.change"));
        json_decref(v);
        if (strcmp(last, id) == 0)
            return;
    }
    fail_msg("n%d does not hear of %s", other->number, id);
}

/* --- the wire --------------------------------------------------------------------------------- */

static bool wire_says(const char *text)
{
    return wire_has(&wire, text, strlen(text));
}

/* Somebody's text to a kard's port, by datagram and by stream. */
static void say_in_the_clear(const char *text)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(GOSSIP_PORT)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_INET, (i ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
    }
}

/* The tap sees text in the clear, of datagrams as of streams. Forgets all that was heard. */
static void expect_tap_hears(void)
{
    wire_clear(&wire);
    say_in_the_clear(control);
    wire_listen(&wire, 200);
    size_t times = 0;
    for (const uint8_t *p = wire.all.p;
         p && (p = memmem(p, (size_t)(wire.all.p + wire.all.n - p), control, sizeof(control) - 1));
         p++)
        times++;
    assert_int_equal(times, 2);
    wire_clear(&wire);
}

static void expect_nothing_lost(void)
{
    struct tpacket_stats stats;
    socklen_t n = sizeof(stats);
    assert_int_equal(getsockopt(wire.packets, SOL_PACKET, PACKET_STATISTICS, &stats, &n), 0);
    assert_int_equal(stats.tp_drops, 0);
}

/* The longest run of printable bytes; *ret_at is where it begins. */
static size_t longest_text(const struct buf *b, size_t *ret_at)
{
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < b->n; i++) {
        run = b->p[i] >= ' ' && b->p[i] <= '~' ? run + 1 : 0;
        if (run > longest) {
            longest = run;
            *ret_at = i + 1 - run;
        }
    }
    return longest;
}

/* --- the tests -------------------------------------------------------------------------------- */

/* Joining, a small change, a large one, a question, and a while for facts and digests: all in the
 * tap's memory when this ends. */
static void test_they_speak(void **state)
{
    (void)state;
    struct buf docs = BUF_INIT;
    expect_tap_hears();
    json_t *v = daemon_ask(&n1, "token.create", "{}");
    buf_add_str(&token_text, answer_text(v, "result.token"));
    json_decref(v);
    assert_int_equal(token_parse(buf_cstr(&token_text), &token, NULL), 0);
    v = daemon_ask(
        &n2, "cluster.join", "{\"token\": \"%s\", \"name\": \"%s\"}", buf_cstr(&token_text), two);
    expect_result(v);
    json_decref(v);

    buf_printf(&docs,
        "{\"op\": \"set\", \"kind\": \"node\", \"name\": \"%s\", "
        "\"spec\": {\"labels\": {\"place\": \"%s\"}}}",
        one, label_value);
    change(&n2, &n1, buf_cstr(&docs));
    buf_clear(&docs);
    buf_printf(&docs,
        "{\"kind\": \"switch\", \"name\": \"wiretap-sw\", \"nodes\": \"%s\", "
        "\"spec\": {}}",
        two);
    for (int i = 0; i < PORTS; i++)
        buf_printf(&docs,
            ", {\"kind\": \"port\", \"name\": \"wiretap-p%d\", \"nodes\": \"%s\", "
            "\"spec\": {\"switch\": \"wiretap-sw\", \"owner\": \"%s\"}}",
            i, two, owner);
    change(&n1, &n2, buf_cstr(&docs));
    buf_done(&docs);

    v = daemon_ask(&n1, "nic.list", "{\"node\": \"%s\"}", two);
    char *answer = json_dumps(v, 0);
    assert_non_null(strstr(answer, nic)); /* it came over the wire */
    free(answer);
    json_decref(v);
    wire_listen(&wire, 2500);
    struct endpoint a = loopback(1), b = loopback(2);
    size_t tcp_bytes = wire.all.n - wire_bytes(&wire, &a, &b) - wire_bytes(&wire, &b, &a);
    print_message("%zu bytes heard, %zu of them of streams\n", wire.all.n, tcp_bytes);
    assert_true(tcp_bytes > GOSSIP_DATAGRAM_MAX);
    expect_nothing_lost();
}

static void test_no_text_in_the_clear(void **state)
{
    (void)state;
    const char *const texts[] = {one, two, cluster_name, label_value, message, owner, nic,
        "wiretap-sw", "wiretap-p", "labels", "addresses", "switch", buf_cstr(&token_text)};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (wire_says(texts[i]))
            fail_msg("\"%s\" stands on the wire", texts[i]);
    size_t at = 0, n = longest_text(&wire.all, &at);
    print_message("longest run of printable bytes: %zu\n", n);
    if (n >= READABLE)
        fail_msg("on the wire stands \"%.*s\"", (int)n, (char *)wire.all.p + at);
}

/* The same texts are in what the second node stored, byte for byte: had they come in the clear, the
 * test before would have found them. */
static void test_they_were_what_was_said(void **state)
{
    (void)state;
    const char *const texts[] = {
        one, two, cluster_name, label_value, message, owner, "wiretap-sw", "wiretap-p"};
    struct buf b = BUF_INIT;
    file_of(store2, &b);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!memmem(b.p, b.n, texts[i], strlen(texts[i])))
            fail_msg("\"%s\" is not in the store of n2", texts[i]);
    buf_done(&b);
}

/* --- what they keep --------------------------------------------------------------------------- */

struct looked {
    const struct buf *in;
    size_t records, windows, found;
};

static bool of_one_byte(const uint8_t *p, size_t n)
{
    return memcmp(p, p + 1, n - 1) == 0;
}

/* Every WINDOW bytes of a record: text, keys, hashes, signatures, secrets. */
static bool look_for_record(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct looked *l = ctx;
    const uint8_t *p = value;
    l->records++;
    for (size_t i = 0; i + WINDOW <= value_n; i += WINDOW / 3) {
        if (of_one_byte(p + i, WINDOW))
            continue;
        l->windows++;
        l->found += memmem(l->in->p, l->in->n, p + i, WINDOW) != NULL;
    }
    (void)key, (void)key_n;
    return true;
}

static void look_for_store(const char *dir, struct looked *l)
{
    struct store *s;
    struct err e;
    if (store_lmdb_open(dir, &s, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    for (enum store_table t = 0; t < STORE_TABLES; t++)
        assert_int_equal(s->ops->each(s, t, NULL, 0, look_for_record, l, &e), 0);
    s->ops->close(s);
}

/* The public halves of what a store's META holds, too: who joins and who speaks is not said. */
static void expect_no_keys(const char *dir)
{
    struct store *s;
    struct buf b = BUF_INIT;
    struct key_secret key;
    struct dh_secret session;
    struct key_public key_public;
    struct dh_public session_public;
    assert_int_equal(store_lmdb_open(dir, &s, NULL), 0);
    assert_int_equal(s->ops->get(s, STORE_META, "key", 3, &b, NULL), 0);
    assert_int_equal(b.n, sizeof(key.b));
    memcpy(key.b, b.p, b.n);
    buf_clear(&b);
    assert_int_equal(s->ops->get(s, STORE_META, "session", 7, &b, NULL), 0);
    assert_int_equal(b.n, sizeof(session.b));
    memcpy(session.b, b.p, b.n);
    s->ops->close(s);
    buf_done(&b);
    crypto_key_public(&key, &key_public);
    crypto_dh_public(&session, &session_public);
    assert_false(wire_has(&wire, key.b, 8));
    assert_false(wire_has(&wire, session.b, 8));
    assert_false(wire_has(&wire, key_public.b, 8));
    assert_false(wire_has(&wire, session_public.b, 8));
}

static void test_no_record_in_the_clear(void **state)
{
    (void)state;
    struct buf file = BUF_INIT;
    struct looked l = {.in = &wire.all}, itself = {.in = &file};
    daemon_stop(&n1);
    daemon_stop(&n2);
    wire_listen(&wire, 100); /* their goodbyes, too */
    look_for_store(store1, &l);
    look_for_store(store2, &l);
    print_message("%zu records, %zu windows looked for\n", l.records, l.windows);
    assert_true(l.records > 20 && l.windows > 500);
    assert_int_equal(l.found, 0);
    file_of(store2, &file); /* and where they are, they are found */
    look_for_store(store2, &itself);
    assert_true(itself.windows > 0);
    assert_int_equal(itself.found, itself.windows);
    buf_done(&file);
}

static void test_no_key_in_the_clear(void **state)
{
    (void)state;
    expect_no_keys(store1);
    expect_no_keys(store2);
    for (size_t i = 0; i + 8 <= sizeof(token.secret); i += 8)
        assert_false(wire_has(&wire, token.secret + i, 8));
    expect_nothing_lost();
}

/* --- main ------------------------------------------------------------------------------------- */

static int start(void **state)
{
    (void)state;
    hostile_begin();
    sh("ip link add %s type veth peer name wiretap-far", nic);
    sh("ip link set %s up", nic);
    wire_open(&wire);
    daemon_start(&n1, 1);
    daemon_start(&n2, 2);
    store1 = mem_printf("%s/var/lib/kard", n1.root);
    store2 = mem_printf("%s/var/lib/kard", n2.root);
    json_t *v = daemon_ask(
        &n1, "cluster.init", "{\"cluster\": \"%s\", \"node\": \"%s\"}", cluster_name, one);
    bool ok = json_object_get(v, "result");
    json_decref(v);
    return ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    daemon_stop(&n1);
    daemon_stop(&n2);
    wire_close(&wire);
    hostile_end();
    buf_done(&token_text);
    free(store1);
    free(store2);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_speak),
        cmocka_unit_test(test_no_text_in_the_clear),
        cmocka_unit_test(test_they_were_what_was_said),
        cmocka_unit_test(test_no_record_in_the_clear),
        cmocka_unit_test(test_no_key_in_the_clear),
    };
    if (crypto_init() < 0)
        return 1;
    lab_begin(argv);
    if (getenv("KAR_HOST_LACKS_ONLY") != NULL)
        return 0; /* nothing here needs the VM's kernel */
    return cmocka_run_group_tests_name("wiretap", tests, start, stop);
}

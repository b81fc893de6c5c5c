/* kernel_events_test.c: the netlink adapter notices what others do on the real kernel, and its
 * cache stays what the kernel says. The host is that of kernel_nl_test.c. */
#include "kernel_lab.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"

enum { SETTLE_MS = 1500 }; /* looking for duplicates of an IPv6 address takes up to a second */

static bool wakes_within(struct lab *l, int ms)
{
    struct pollfd p = {.fd = l->k->ops->fd(l->k), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

static bool wakes(struct lab *l)
{
    return wakes_within(l, 50);
}

/* Until what the kernel says a moment later has been said: the carrier, that an address is free. */
static void settle(struct lab *l)
{
    while (wakes_within(l, SETTLE_MS))
        (void)l->k->ops->events(l->k);
}

static void meddling_is_seen(void **state)
{
    struct lab *l = *state;
    static const char *const hands[] = {
        "ip link set lan mtu 1300",
        "ip link set lan alias mine",
        "ip link set lan type bridge ageing_time 1000",
        "echo 500 >/sys/class/net/lan/bridge/forward_delay",
        "ip link set v0 nomaster",
        "ip link set v0 master lan",
        "bridge link set dev v0 learning off",
        "echo 1 >/sys/class/net/v0/brport/hairpin_mode",
        "ip link set v0 type bridge_slave isolated on",
        "ip addr add 10.3.0.1/24 dev lan",
        "ip addr del 10.3.0.1/24 dev lan",
        "bridge fdb append 00:00:00:00:00:00 dst 192.0.2.99 dev vx0 self permanent",
        "bridge fdb del 00:00:00:00:00:00 dst 192.0.2.99 dev vx0 self",
        "ip link set vx0 type vxlan ttl 5",
        "ip link set lan down",
        "ip link set lan up",
        "ip link del v0",
        "ip link del lan",
    };
    done(l, bridge_op("lan", 1));
    struct kop v0 = link_op(KOP_LINK_CREATE, "v0", LINK_VETH, 2);
    netlink_set_name(v0.link, NA_VETH_PEER, "v0-far");
    netlink_set_name(v0.link, NA_MASTER, "lan");
    netlink_set_uint(v0.link, NA_UP, 1);
    done(l, v0);
    done(l, vxlan_op("vx0", 3, 77));
    expect_cache_true(l);
    settle(l);
    for (size_t i = 0; i < ARRAY_LEN(hands); i++) {
        struct netstate before = {0};
        netstate_copy(&before, look(l));
        sh("%s", hands[i]);
        if (!wakes_within(l, SETTLE_MS) || !(l->k->ops->events(l->k) & 1U << KERNEL_CHANGED))
            fail_msg("not noticed: %s", hands[i]);
        look(l);
        if (netstate_equal(&before, &l->s))
            fail_msg("noticed, but not seen: %s", hands[i]);
        netstate_done(&before);
        expect_cache_true(l);
        while (wakes(l))
            (void)l->k->ops->events(l->k);
    }
}

/* What happens all the time on a busy host and is no affair of ours does not even wake us. */
static void noise_does_not_wake(void **state)
{
    struct lab *l = *state;
    static const char *const noise[] = {
        "bridge fdb add 02:00:00:00:00:09 dev p0 master dynamic;"
        "bridge fdb del 02:00:00:00:00:09 dev p0 master",
        "bridge fdb add 02:00:00:00:00:0a dst 192.0.2.5 dev vx0 self dynamic;"
        /* Without "dynamic" bridge asks for a permanent entry's end, and 6.1 tells of one. */
        "bridge fdb del 02:00:00:00:00:0a dst 192.0.2.5 dev vx0 self dynamic",
        "ip neigh add 10.3.0.9 lladdr 02:00:00:00:00:09 dev lan;"
        "ip neigh replace 10.3.0.9 lladdr 02:00:00:00:00:0b dev lan nud reachable;"
        "ip neigh del 10.3.0.9 dev lan",
        "ip route add 10.50.0.0/16 via 10.3.0.9; ip route del 10.50.0.0/16",
    };
    sh("ip link add p0 type veth peer name q0; ip link set q0 up");
    done(l, bridge_op("lan", 1));
    done(l, vxlan_op("vx0", 3, 77));
    sh("ip link set p0 master lan up; ip addr add 10.3.0.1/24 dev lan");
    expect_cache_true(l);
    settle(l);
    for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
        bool woken = true;
        for (int tries = 0; tries < 3 && woken; tries++) { /* a late carrier wakes rightly */
            sh("%s", noise[i]);
            woken = wakes(l);
            settle(l);
        }
        if (woken)
            fail_msg("woken by: %s", noise[i]);
    }
    expect_cache_true(l);
}

/* What we did ourselves is not news once it has been looked at. */
static void our_own_echo_fades(void **state)
{
    struct lab *l = *state;
    done(l, bridge_op("lan", 1));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.1/24"));
    int rounds = 0;
    for (; rounds < 10 && wakes(l); rounds++) {
        (void)l->k->ops->events(l->k);
        look(l);
    }
    assert_true(rounds < 5);
    assert_int_equal(l->k->ops->events(l->k), 0);
}

/* More happens than the socket holds: everything is read again, and true. */
static void an_overrun_is_survived(void **state)
{
    struct lab *l = *state;
    int small = 4096;
    look(l);
    assert_int_equal(
        setsockopt(l->k->ops->fd(l->k), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    sh("for i in $(seq 60); do ip link add b$i type bridge; ip addr add 10.4.$i.1/24 dev b$i; done;"
       "ip link del b7");
    assert_true(l->k->ops->events(l->k) & 1U << KERNEL_OVERRUN);
    look(l);
    assert_int_equal(l->s.links.n, 60);
    expect_cache_true(l);
}

/* A dump sees what happened before it, and what it saw on the way is still reported. */
static void a_dump_swallows_no_event(void **state)
{
    struct lab *l = *state;
    struct err e = {0};
    look(l);
    sh("ip link add br0 type bridge");
    netstate_done(&l->s);
    assert_int_equal(l->k->ops->dump(l->k, true, &l->s, &e), 0);
    assert_non_null(netstate_link(&l->s, "br0"));
    assert_true(l->k->ops->events(l->k) & 1U << KERNEL_CHANGED);
    assert_int_equal(l->k->ops->events(l->k), 0);
}

/* The kernel tells of a carrier up to a second after it changed. Who counted in between has seen
 * it, and it is news all the same. */
static void what_a_dump_finds_first_is_reported(void **state)
{
    struct lab *l = *state;
    if (!kernel_has(l, KF_TAP, "a carrier that a dump finds first"))
        return;
    sh("ip tuntap add t9 mode tap; ip link set t9 up");
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = "t9"};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
    settle(l);
    int found = 0;
    for (int i = 0; i < 8; i++) {
        struct err e = {0};
        assert_int_equal(ioctl(fd, TUNSETCARRIER, &(int){i % 2}), 0);
        (void)l->k->ops->events(l->k);
        bool known = seen(l, "t9")->carrier == (i % 2 != 0);
        netstate_done(&l->s);
        assert_int_equal(l->k->ops->dump(l->k, true, &l->s, &e), 0);
        assert_true(netstate_link(&l->s, "t9")->carrier == (i % 2 != 0));
        found += !known;
        if (!known)
            assert_true(l->k->ops->events(l->k) & 1U << KERNEL_CHANGED);
    }
    assert_true(found > 0);
    close(fd);
}

/* Random hands on a small host; after each the cache must be what the kernel says. */
static void the_cache_is_true_whatever_happens(void **state)
{
    struct lab *l = *state;
    static const char *const hands[] = {
        "ip link add br%u type bridge",
        "ip link set br%u up",
        "ip link set br%u down",
        "ip link del br%u",
        "ip link add v%u type veth peer name w%u",
        "ip link set v%u up",
        "ip link set v%u master br1",
        "ip link set v%u nomaster",
        "ip link del v%u",
        "ip link add x%u type vxlan id %u dstport 4789",
        "ip link set x%u up",
        "ip link set x%u master br2",
        "ip link del x%u",
        "bridge fdb append 00:00:00:00:00:00 dst 192.0.2.%u dev x1",
        "bridge fdb del 00:00:00:00:00:00 dst 192.0.2.%u dev x1",
        "bridge fdb replace 02:00:00:00:00:01 dst 192.0.2.%u dev x1",
        "ip addr add 10.0.%u.1/24 dev br1",
        "ip addr del 10.0.%u.1/24 dev br1",
        "ip addr add fd00:%u::1/64 dev br2",
        "ip route add 10.%u.0.0/16 dev br1 proto 86",
        "ip link show br%u up 2>&1 | grep -q UP && ip link set br%u alias x",
        "ip link set br%u mtu 1300",
        "bridge link set dev v%u hairpin on",
        "bridge vlan add dev v%u vid 7",
        "bridge vlan del dev v%u vid 1",
    };
    uint64_t seed = getenv("KAR_SEED") ? strtoull(getenv("KAR_SEED"), NULL, 0) : 20;
    int rounds = getenv("KAR_ROUNDS") ? (int)strtol(getenv("KAR_ROUNDS"), NULL, 10) : 20;
    struct rng r;
    rng_seed(&r, seed);
    print_message(
        "seed %llu (KAR_SEED), %d rounds (KAR_ROUNDS)\n", (unsigned long long)seed, rounds);
    for (int i = 0; i < rounds; i++) {
        for (int j = 0; j < 8; j++) {
            char command[160];
            unsigned n = (unsigned)rng_below(&r, 3) + 1;
            const char *hand = hands[rng_below(&r, ARRAY_LEN(hands))];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            size_t at = (size_t)snprintf(command, sizeof(command), hand, n, n);
#pragma GCC diagnostic pop
            snprintf(command + at, sizeof(command) - at, " 2>/dev/null");
            int impossible_just_now = system(command);
            (void)impossible_just_now;
        }
        expect_cache_true(l);
    }
}

int main(int argc, char **argv)
{
    lab_begin(argv);
    if (argc > 1) /* one test only, by its name */
        cmocka_set_test_filter(argv[1]);
#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        IN_LAB(meddling_is_seen),
        IN_LAB(noise_does_not_wake),
        IN_LAB(our_own_echo_fades),
        IN_LAB(an_overrun_is_survived),
        IN_LAB(a_dump_swallows_no_event),
        IN_LAB(what_a_dump_finds_first_is_reported),
        IN_LAB(the_cache_is_true_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

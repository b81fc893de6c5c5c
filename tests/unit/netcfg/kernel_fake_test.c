/* The fake kernel: what it does to itself, how it fails and how it crashes. What the model says of
 * children, ports and addresses is checked against the real one by the native suite. */
#include <errno.h>

#include "netcfg/kernel.h"
#include "state_text.h"

static const char *const nics[] = {"eth0", "eth1"};

static struct kernel *opened(void **state)
{
    return *state;
}

static int open_kernel(void **state)
{
    *state = kernel_fake_open(nics, 2);
    return 0;
}

static int close_kernel(void **state)
{
    opened(state)->ops->close(opened(state));
    return 0;
}

/* Applies what makes `want`; returns the first failing operation's errno. */
static int make(struct kernel *k, const char *text, struct kop_result *results)
{
    struct netstate want = state_of(text), have;
    struct plan p;
    struct err e;
    assert_int_equal(k->ops->dump(k, false, &have, &e), 0);
    plan_make(&want, &have, NULL, &p);
    assert_true(p.n <= 16);
    int code = k->ops->apply(k, p.v, p.n, results, &e);
    for (size_t i = 0; code == 0 && i < p.n; i++)
        code = results[i].errno_;
    plan_done(&p);
    netstate_done(&want);
    netstate_done(&have);
    return code;
}

static void a_new_host_has_its_nics_and_lo(void **state)
{
    struct kernel *k = opened(state);
    struct netstate s;
    assert_int_equal(k->ops->dump(k, false, &s, NULL), 0);
    assert_int_equal(s.links.n, 3);
    assert_non_null(netstate_link(&s, "lo"));
    assert_int_equal(netlink_uint(netstate_link(&s, "eth1"), NA_MTU), 1500);
    assert_int_equal(k->ops->fd(k), -1);
    assert_int_equal(k->ops->events(k), 0);
    netstate_done(&s);
}

static void somebody_s_hand_is_an_event(void **state)
{
    struct kernel *k = opened(state);
    kernel_fake_state(k);
    assert_int_equal(k->ops->events(k), 1U << KERNEL_CHANGED);
    assert_int_equal(k->ops->events(k), 0);
}

#define TWO "link a bridge ours=A up=1 master=\nlink b bridge ours=B up=1 master=\n"

static void one_operation_fails_the_others_are_carried_out(void **state)
{
    struct kernel *k = opened(state);
    struct kop_result r[16];
    kernel_fake_fail(k, 1, ENOSPC, false);
    assert_int_equal(make(k, TWO, r), ENOSPC);
    assert_int_equal(r[0].code, -ERR_KERNEL);
    assert_string_equal(r[0].text, "No space left on device");
    assert_int_equal(r[1].code, 0);
    assert_null(netstate_link(kernel_fake_state(k), "a"));
    assert_non_null(netstate_link(kernel_fake_state(k), "b"));
    assert_int_equal(make(k, TWO, r), 0);
}

static void a_crash_leaves_a_creation_half_done_and_nothing_after_it(void **state)
{
    struct kernel *k = opened(state);
    struct kop_result r[16];
    kernel_fake_fail(k, 1, 0, true);
    assert_int_equal(make(k, TWO, r), -ERR_KERNEL);
    struct netstate *s = kernel_fake_state(k), dump;
    assert_non_null(netstate_link(s, "a"));
    assert_false(netstate_link(s, "a")->ours);
    assert_int_equal(netlink_uint(netstate_link(s, "a"), NA_UP), 0);
    assert_null(netstate_link(s, "b"));
    assert_int_equal(k->ops->dump(k, false, &dump, NULL), -ERR_KERNEL);
    kernel_fake_fail(k, 0, 0, false); /* a new process */
    assert_int_equal(k->ops->dump(k, false, &dump, NULL), 0);
    netstate_done(&dump);
}

static void a_missing_feature_refuses_the_link(void **state)
{
    struct kernel *k = opened(state);
    struct kop_result r[16];
    kernel_fake_feature(k, KF_VLAN, false);
    assert_false(k->ops->features(k)->has[KF_VLAN]);
    assert_int_equal(
        make(k, "link v vlan ours=V parent=eth0 vlan.id=5 up=1 master=\n", r), EOPNOTSUPP);
    assert_int_equal(r[0].code, -ERR_KERNEL_LACKS);
    kernel_fake_feature(k, KF_VLAN, true);
    assert_int_equal(make(k, "link v vlan ours=V parent=eth0 vlan.id=5 up=1 master=\n", r), 0);
}

static void a_second_vlan_of_one_tag_or_vni_is_refused(void **state)
{
    struct kernel *k = opened(state);
    struct kop_result r[16];
#define ONE \
    "link v vlan ours=V parent=eth0 vlan.id=5 master=\nlink x vxlan ours=X vxlan.id=7 master=\n"
    assert_int_equal(make(k, ONE, r), 0);
    assert_int_equal(make(k, ONE "link w vlan ours=W parent=eth0 vlan.id=5 master=\n", r), EEXIST);
    assert_int_equal(make(k, ONE "link y vxlan ours=Y vxlan.id=7 master=\n", r), EEXIST);
    assert_int_equal(make(k, ONE "link w vlan ours=W parent=eth1 vlan.id=5 master=\n", r), 0);
}

static void hardware_is_not_deleted(void **state)
{
    struct kernel *k = opened(state);
    struct netlink l = {.name = "eth0"};
    struct kop op = {.type = KOP_LINK_DELETE, .link = &l};
    struct kop_result r;
    assert_int_equal(k->ops->apply(k, &op, 1, &r, NULL), 0);
    assert_int_equal(r.errno_, EOPNOTSUPP);
    assert_non_null(netstate_link(kernel_fake_state(k), "eth0"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_kernel, close_kernel)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_host_has_its_nics_and_lo),
        TEST(somebody_s_hand_is_an_event),
        TEST(one_operation_fails_the_others_are_carried_out),
        TEST(a_crash_leaves_a_creation_half_done_and_nothing_after_it),
        TEST(a_missing_feature_refuses_the_link),
        TEST(a_second_vlan_of_one_tag_or_vni_is_refused),
        TEST(hardware_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

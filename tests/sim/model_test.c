/* model_test.c: the random model test on a kernel in memory: 10,000 sequences. */
#include "model.h"

static struct kernel *fake_open(struct model *m, struct gen_options *ret_opt)
{
    static const struct gen_options opt = {.node = "n1",
        .nics = {"eth0", "eth1", "eth2"},
        .nics_n = 3,
        .spares = {"x0", "x1", "s0"},
        .spares_n = 3,
        .vlans = true,
        .filtering = true,
        .vxlans = true,
        .taps = true,
        .veths = true,
        .prefix = ""};
    (void)m;
    *ret_opt = opt;
    return kernel_fake_open(opt.nics, opt.nics_n);
}

static struct netstate fake_look(struct model *m)
{
    struct netstate s = {0};
    m->t.kernel_real->dump(m->t.kernel, false, &s, NULL);
    return s;
}

static int fake_hand(struct model *m, const struct kop *op)
{
    return netstate_apply(kernel_fake_state(m->t.kernel), op, NULL);
}

static void fake_fail(struct model *m, size_t n, int errno_, bool crash)
{
    kernel_fake_fail(m->t.kernel, n, errno_, crash);
}

static void fake_feature(struct model *m, enum kernel_feature f, bool has)
{
    kernel_fake_feature(m->t.kernel, f, has);
}

int main(int argc, char **argv)
{
    static const struct ground fake = {
        .name = "sim_model_test",
        .runs = 10000,
        .workers = 1,
        .open = fake_open,
        .look = fake_look,
        .hand = fake_hand,
        .fail = fake_fail,
        .feature = fake_feature,
    };
    return model_main(&fake, argc, argv);
}

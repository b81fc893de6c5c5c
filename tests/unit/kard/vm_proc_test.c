/* The name of a VM out of its process's arguments. Finding the process is tested with a real TAP in
 * tests/netns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "kard/vm_proc.h"

#define ARGUMENTS(s) s, sizeof(s) - 1

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        size_t n;
        const char *name;
    } rows[] = {
        {ARGUMENTS("qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-S\0"), "web1"},
        {ARGUMENTS("qemu-system-x86_64\0-name\0web2\0"), "web2"},
        {ARGUMENTS("qemu\0-m\0001G\0-name\0web3"), "web3"},
        {ARGUMENTS("qemu\0--name\0web4,process=x\0"), "web4"},
        {ARGUMENTS("qemu\0-name\0a\tb\0"), "a?b"},
        {ARGUMENTS("qemu\0-name\0"), ""},
        {ARGUMENTS("qemu\0-names\0x\0"), ""},
        {ARGUMENTS("qemu\0"), ""},
        {ARGUMENTS(""), ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[VM_NAME_MAX + 1];
        vm_name_from_arguments(rows[i].arguments, rows[i].n, name);
        assert_string_equal(name, rows[i].name);
    }
}

static void test_long_name_is_cut(void **state)
{
    (void)state;
    char arguments[400] = "qemu\0-name\0", name[VM_NAME_MAX + 1];
    memset(arguments + 11, 'x', sizeof(arguments) - 11); /* no NUL at the end either */
    vm_name_from_arguments(arguments, sizeof(arguments), name);
    assert_int_equal(strlen(name), VM_NAME_MAX);
}

static void test_nobody_holds_it(void **state)
{
    (void)state;
    struct vms v = {0};
    assert_null(vms_of(&v, "no-such-tap", 1000));
    assert_null(vms_of(&v, "no-such-tap", 1500)); /* from what was read */
    vms_done(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_name_is_cut),
        cmocka_unit_test(test_nobody_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

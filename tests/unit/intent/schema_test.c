/* schema_test.c: the table is sound, and what walks it says what it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "intent/object.h"
#include "intent/schema.h"
#include "intent/value_yaml.h"
#include "value_text.h"

/* --- the table -------------------------------------------------------------------------------- */

static void each_row(void (*fn)(const struct kind_info *k, const struct field *f))
{
    for (int i = 0; i < KIND_COUNT; i++)
        for (const struct field *f = schema_kinds[i].fields; f->name; f++) {
            fn(&schema_kinds[i], f);
            for (const struct field *m = f->fields; m && m->name; m++)
                fn(&schema_kinds[i], m);
        }
}

static void row_is_sound(const struct kind_info *k, const struct field *f)
{
    assert_int_equal(strspn(f->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(f->name));
    assert_true(f->help && *f->help);
    assert_true(utf8_printable(f->help, strlen(f->help)));
    assert_int_not_equal(f->help[strlen(f->help) - 1], '.');
    assert_int_equal(f->type == F_ENUM, f->of != NULL);
    assert_int_equal(f->type == F_REF, f->refs != 0);
    assert_int_equal(f->type == F_STRUCT, f->fields != NULL);
    assert_true(f->range.min <= f->range.max);
    if (f->type == F_UINT || f->type == F_VNI || f->type == F_RANGE || f->type == F_VLANS)
        assert_true(f->range.max > 0);
    assert_true(f->refs < 1u << KIND_COUNT);
    assert_int_equal(f->otherwise != NULL, f->otherwise_value != NULL);
    /* One meaning of a map at a time. */
    assert_true(!(f->flags & FIELD_PER_NODE) ||
                (!(f->flags & FIELD_MAP) && f->type != F_STRUCT && f->type != F_VLANS));
    assert_true(!(f->flags & FIELD_REQUIRED) || !f->otherwise);
    /* A kind refers to earlier ones, an overlay to VLANs: the order of admission. */
    for (unsigned r = 0; r < KIND_COUNT; r++)
        if (f->refs & 1u << r)
            assert_true(r < (unsigned)k->kind);
}

static void every_row_is_sound(void **state)
{
    (void)state;
    each_row(row_is_sound);
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct kind_info *k = &schema_kinds[i];
        assert_int_equal(k->kind, i);
        assert_ptr_equal(schema_kind(k->name), k);
        assert_true(*k->help && k->help[strlen(k->help) - 1] != '.');
        for (const struct field *f = k->fields; f->name; f++)
            assert_ptr_equal(schema_field(k->fields, f->name), f); /* no name twice */
    }
    assert_ptr_equal(schema_kind("vxlan"), schema_kind("overlay"));
    assert_null(schema_kind("Vlan"));
    assert_null(schema_kind(""));
    assert_null(schema_field(schema_kinds[KIND_VLAN].fields, "uplink"));
}

/* A default as it is typed is what the check makes of it. */
static void default_is_sound(const struct kind_info *k, const struct field *f)
{
    if (!f->otherwise)
        return;
    struct value *spec = value_map();
    struct err e = {0};
    if (schema_set_from_text(k, spec, f->name, f->otherwise, &e) < 0)
        fail_msg("%s.%s: %s", k->name, f->name, e.what);
    assert_true(value_equal(value_get(spec, f->name), f->otherwise_value));
    assert_ptr_equal(schema_value(k, NULL, f->name, "n1"), f->otherwise_value);
    value_free(spec);
}

static void every_default_is_sound(void **state)
{
    (void)state;
    each_row(default_is_sound);
}

static void every_example_is_accepted(void **state)
{
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct kind_info *k = &schema_kinds[i];
        struct value *docs;
        struct yaml_lines lines;
        struct errs errs = {0};
        struct object *o;
        assert_int_equal(value_from_yaml(k->example, strlen(k->example), &docs, &lines, NULL), 0);
        assert_int_equal(docs->n, 1);
        int r = object_from_document(docs->v[0], "", "n1", &o, &errs);
        if (r < 0)
            fail_msg("%s: %s: %s", k->name, errs.v[0].at, errs.v[0].what);
        assert_int_equal(o->kind, i);
        object_free(o);
        value_free(docs);
        yaml_lines_done(&lines);
        errs_done(&errs);
    }
}

/* --- checking --------------------------------------------------------------------------------- */

/* A spec that is good, and its normal form. */
static void normal_forms(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *spec, *normal;
    } rows[] = {
        {"switch", "null", "{}"},
        {"switch", "{}", "{}"},
        {"switch", "{'uplink': null, 'address': [], 'mtu': null}", "{}"},
        {"switch", "{'stp': 'yes', 'vlan_filtering': 'Off', 'ageing_s': '300'}",
            "{'stp':true,'vlan_filtering':false,'ageing_s':300}"},
        {"switch", "{'address': 'FD00::0:1/64'}", "{'address':['fd00::1/64']}"},
        {"switch",
            "{'address': {'n1': '10.0.0.1/24', 'n2': ['10.0.0.2/24', 'fd00::2/64'], 'n3': null,"
            " 'n4': []}}",
            "{'address':{'n1':['10.0.0.1/24'],'n2':['10.0.0.2/24','fd00::2/64']}}"},
        {"switch", "{'address': {'n3': null}}", "{}"},
        {"switch", "{'address': ['10.0.0.0/31', '10.0.0.1/32', 'fd00::/127']}",
            "{'address':['10.0.0.0/31','10.0.0.1/32','fd00::/127']}"},
        {"switch", "{'uplink': {'n1': 'eth1', 'n2': 'uplink'}}",
            "{'uplink':{'n1':'eth1','n2':'uplink'}}"},
        /* fields come in the order of the table */
        {"vlan", "{'tag': 110, 'protocol': '802.1q', 'parent': 'eth1'}",
            "{'parent':'eth1','tag':110,'protocol':'802.1Q'}"},
        {"vlan", "{'parent': 'eth1', 'tag': '4094', 'gateway': '2001:DB8::1'}",
            "{'parent':'eth1','tag':4094,'gateway':'2001:db8::1'}"},
        {"port", "{'switch': 'lan', 'mac': '52:54:00:AB:CD:EF', 'user': 1000, 'owner': true}",
            "{'switch':'lan','mac':'52:54:00:ab:cd:ef','owner':'true','user':'1000'}"},
        {"port", "{'switch': 'lan', 'trunk': [30, '10-20', '15-25', 21, 26, 30, '40']}",
            "{'switch':'lan','trunk':['10-26',30,40]}"},
        {"port", "{'switch': 'lan', 'trunk': 5}", "{'switch':'lan','trunk':[5]}"},
        {"port", "{'switch': 'lan', 'trunk': '1-4094'}", "{'switch':'lan','trunk':['1-4094']}"},
        {"port", "{'switch': 'lan', 'trunk': []}", "{'switch':'lan'}"},
        {"overlay", "{'vni': 'AUTO', 'mtu': 'Auto', 'vlan': 'storage'}",
            "{'vlan':'storage','vni':'auto','mtu':'auto'}"},
        {"overlay", "{'vni': 'red', 'mtu': 1450}", "{'vni':'red','mtu':1450}"},
        {"overlay", "{'vni': '16777215'}", "{'vni':16777215}"},
        {"overlay", "{'endpoints': {'node': 'n1', 'vlan': 'storage'}}",
            "{'endpoints':[{'node':'n1','vlan':'storage'}]}"},
        {"overlay", "{'endpoints': [{'address': '192.0.2.1', 'node': null}, {'node': 'n1'}]}",
            "{'endpoints':[{'address':'192.0.2.1'},{'node':'n1'}]}"},
        {"cluster", "{'vni_range': 7, 'vni_pools': {'red': '10-20', 'blue': 30}}",
            "{'vni_range':'7-7','vni_pools':{'red':'10-20','blue':'30-30'}}"},
        {"node",
            "{'labels': {'rack': 12, 'gpu': true, 'zone/a': 'x y'}, 'roles': {'uplink': 'eno1'}}",
            "{'labels':{'rack':'12','gpu':'true','zone/a':'x y'},'roles':{'uplink':'eno1'}}"},
        {"node", "{'labels': {}, 'roles': {'uplink': null}}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kind_info *k = schema_kind(rows[i].kind);
        struct value *spec = value_of(rows[i].spec), *normal, *again;
        struct errs errs = {0};
        if (schema_check(k, spec, "", &normal, &errs) < 0)
            fail_msg("%s: %s: %s", rows[i].spec, errs.v[0].what, errs.v[0].why);
        assert_int_equal(errs.n, 0);
        assert_value(normal, rows[i].normal);
        /* What is normal stays as it is. */
        assert_int_equal(schema_check(k, normal, "", &again, &errs), 0);
        assert_true(value_equal(normal, again));
        value_free(spec);
        value_free(normal);
        value_free(again);
        errs_done(&errs);
    }
    struct value *none;
    struct errs errs = {0};
    assert_int_equal(schema_check(schema_kind("switch"), NULL, "", &none, &errs), 0);
    assert_value(none, "{}");
    value_free(none);
}

/* One mistake, where it is, and in which words. */
static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *spec;
        enum err_code code;
        const char *at, *what, *why, *fix;
    } rows[] = {
        {"switch", "[]", ERR_FIELD_TYPE, "/spec", "spec cannot be a list",
            "it is a map from field to value", "see: karctl explain switch"},
        {"switch", "{'uplnk': 'eth1'}", ERR_FIELD_UNKNOWN, "/spec/uplnk",
            "switch has no field uplnk",
            "its fields are: uplink, stp, stp_priority, vlan_filtering, ageing_s, mac_table_max, "
            "address, mtu",
            "did you mean uplink?"},
        {"switch", "{'a/b': 1}", ERR_FIELD_UNKNOWN, "/spec/a~1b", NULL, NULL,
            "remove it (karctl explain switch)"},
        {"vlan", "{'tag': 110}", ERR_FIELD_MISSING, "/spec/parent", "parent is missing",
            "interface, or role of one, that carries the tagged frames",
            "set it (karctl explain vlan.parent)"},
        {"vlan", "{'parent': {}, 'tag': 110}", ERR_FIELD_MISSING, "/spec/parent",
            "parent is missing", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 4095}", ERR_FIELD_RANGE, "/spec/tag",
            "tag 4095 is out of range", "it goes from 1 to 4094",
            "choose a number within (karctl explain vlan.tag)"},
        {"vlan", "{'parent': 'eth1', 'tag': 0}", ERR_FIELD_RANGE, "/spec/tag",
            "tag 0 is out of range", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': -1}", ERR_FIELD_RANGE, "/spec/tag",
            "tag -1 is out of range", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': '1 '}", ERR_FIELD_TYPE, "/spec/tag",
            "tag cannot be \"1 \"", "expected: integer 1..4094", NULL},
        {"vlan", "{'parent': 'eth1', 'tag': '01'}", ERR_FIELD_TYPE, "/spec/tag", NULL, NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': '99999999999999999999'}", ERR_FIELD_TYPE, "/spec/tag",
            NULL, NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': true}", ERR_FIELD_TYPE, "/spec/tag",
            "tag cannot be true", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': {'n1': 1}}", ERR_FIELD_TYPE, "/spec/tag",
            "tag cannot be a map", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'protocol': '802.1a'}", ERR_FIELD_RANGE,
            "/spec/protocol", "protocol cannot be \"802.1a\"", "it is one of: 802.1Q, 802.1ad",
            "did you mean 802.1Q? (karctl explain vlan.protocol)"},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'protocol': 'ipx'}", ERR_FIELD_RANGE,
            "/spec/protocol", NULL, NULL, "choose one of them (karctl explain vlan.protocol)"},
        {"vlan", "{'parent': 'eth 1', 'tag': 1}", ERR_NAME_INVALID, "/spec/parent",
            "parent cannot be \"eth 1\"",
            "a name begins with a letter and has at most 15 of A-Z a-z 0-9 . _ -", NULL},
        {"vlan", "{'parent': {'n1': 'eth1', 'n 2': 'eth1'}, 'tag': 1}", ERR_NAME_INVALID,
            "/spec/parent/n 2", "parent cannot have an entry \"n 2\"",
            "each entry is named after a node", NULL},
        {"vlan", "{'parent': ['eth1'], 'tag': 1}", ERR_FIELD_TYPE, "/spec/parent",
            "parent cannot be a list", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': '10.0.0.1'}", ERR_FIELD_TYPE,
            "/spec/address", "address 10.0.0.1 has no prefix length", "the subnet must be known",
            "write for example 10.0.0.1/24 (karctl explain vlan.address)"},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': 'fd00::1'}", ERR_FIELD_TYPE,
            "/spec/address", NULL, NULL,
            "write for example fd00::1/64 (karctl explain vlan.address)"},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': ['10.0.0.1/24', '10.0.0.0/24']}",
            ERR_FIELD_RANGE, "/spec/address/1", "address 10.0.0.0/24 is the subnet itself",
            "the host's part of the address is zero", NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': ['10.0.0.1/24', '10.0.0.1/24']}",
            ERR_FIELD_CONFLICT, "/spec/address/1", "address names 10.0.0.1/24 twice", NULL,
            "remove one of them (karctl explain vlan.address)"},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': {'n1': [1]}}", ERR_FIELD_TYPE,
            "/spec/address/n1/0", "address cannot be 1",
            "expected: address with prefix length such as 10.0.0.1/24", NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': '224.0.0.1/24'}", ERR_FIELD_RANGE,
            "/spec/address", "address 224.0.0.1/24 is no host's address", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'address': '10.0.0.1/0'}", ERR_FIELD_RANGE,
            "/spec/address", NULL, NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'gateway': '0.0.0.0'}", ERR_FIELD_RANGE,
            "/spec/gateway", "gateway 0.0.0.0 is no host's address", NULL, NULL},
        {"vlan", "{'parent': 'eth1', 'tag': 1, 'gateway': '10.0.0.1/24'}", ERR_FIELD_TYPE,
            "/spec/gateway", NULL, "expected: IPv4 or IPv6 address", NULL},
        {"switch", "{'stp': 1}", ERR_FIELD_TYPE, "/spec/stp", "stp cannot be 1",
            "expected: true or false", NULL},
        {"switch", "{'ageing_s': 1000001}", ERR_FIELD_RANGE, "/spec/ageing_s", NULL,
            "it goes from 0 to 1000000 s", NULL},
        {"port", "{'switch': 'lan', 'mac': '01:00:5e:00:00:01'}", ERR_FIELD_RANGE, "/spec/mac",
            "mac 01:00:5e:00:00:01 is not a host's", NULL, NULL},
        {"port", "{'switch': 'lan', 'mac': 'auto'}", ERR_FIELD_TYPE, "/spec/mac", NULL,
            "expected: unicast MAC address such as 52:54:00:12:34:56", NULL},
        {"port", "{'switch': 'lan', 'trunk': [10, '20-4095', 'x']}", ERR_FIELD_RANGE,
            "/spec/trunk/1", "trunk cannot hold \"20-4095\"",
            "a VLAN is 1 to 4094, or a range of them: 20-30", NULL},
        {"port", "{'switch': 'lan', 'trunk': '30-20'}", ERR_FIELD_RANGE, "/spec/trunk", NULL, NULL,
            NULL},
        {"port", "{'switch': 'lan', 'owner': 'a\\nb'}", ERR_FIELD_TYPE, "/spec/owner",
            "owner cannot be \"a\\nb\"", "it is one line of printable text", NULL},
        {"port", "{'switch': 'lan', 'owner': ''}", ERR_FIELD_TYPE, "/spec/owner", NULL, NULL, NULL},
        {"port", "{'switch': 'lan', 'user': '012345678901234567890123456789012'}", ERR_FIELD_RANGE,
            "/spec/user", "user is 33 bytes long", "at most 32 fit", NULL},
        {"overlay", "{'vni': 0}", ERR_FIELD_RANGE, "/spec/vni", "vni 0 is out of range",
            "a VNI has 24 bits and is not 0: 1 to 16777215",
            "choose a number within, or auto (karctl "
            "explain overlay.vni)"},
        {"overlay", "{'vni': 16777216}", ERR_FIELD_RANGE, "/spec/vni", NULL, NULL, NULL},
        {"overlay", "{'vni': '12ab'}", ERR_FIELD_TYPE, "/spec/vni", "vni cannot be \"12ab\"",
            "expected: auto, name of a pool, or integer 1..16777215", NULL},
        {"overlay", "{'mtu': 67}", ERR_FIELD_RANGE, "/spec/mtu", NULL,
            "it goes from 68 to 65535 bytes", NULL},
        {"overlay", "{'endpoints': 'n1'}", ERR_FIELD_TYPE, "/spec/endpoints",
            "endpoints cannot be \"n1\"", "expected: map of node, vlan, address", NULL},
        {"overlay", "{'endpoints': [{'node': 'n1', 'vlna': 'x'}]}", ERR_FIELD_UNKNOWN,
            "/spec/endpoints/0/vlna", "endpoints has no field vlna",
            "its fields are: node, vlan, address", "did you mean vlan?"},
        {"overlay", "{'endpoints': [{'node': 'all'}]}", ERR_NAME_INVALID, "/spec/endpoints/0/node",
            "node cannot be \"all\"", "a node's name has at most 63 of A-Z a-z 0-9 . -",
            "correct the name (karctl explain overlay.endpoints)"},
        {"cluster", "{'vni_range': '20-10'}", ERR_FIELD_RANGE, "/spec/vni_range",
            "vni_range cannot be \"20-10\"", "it is FIRST-LAST, within 1 to 16777215", NULL},
        {"cluster", "{'vni_range': '0-10'}", ERR_FIELD_RANGE, "/spec/vni_range", NULL, NULL, NULL},
        {"cluster", "{'vni_range': '-'}", ERR_FIELD_RANGE, "/spec/vni_range", NULL, NULL, NULL},
        {"cluster", "{'vni_range': '1-2-3'}", ERR_FIELD_RANGE, "/spec/vni_range", NULL, NULL, NULL},
        {"cluster", "{'vni_pools': {'auto': '1-2'}}", ERR_NAME_INVALID, "/spec/vni_pools/auto",
            "vni_pools cannot have an entry \"auto\"", NULL, NULL},
        {"cluster", "{'vni_pools': {'7': '1-2'}}", ERR_NAME_INVALID, "/spec/vni_pools/7", NULL,
            NULL, NULL},
        {"cluster", "{'vni_pools': '1-2'}", ERR_FIELD_TYPE, "/spec/vni_pools", NULL, NULL, NULL},
        {"node", "{'labels': {'-x': 'y'}}", ERR_NAME_INVALID, "/spec/labels/-x", NULL, NULL, NULL},
        {"node", "{'roles': {'up/link': 'eth0'}}", ERR_NAME_INVALID, "/spec/roles/up~1link", NULL,
            NULL, NULL},
        {"node", "{'key': 'abc'}", ERR_FIELD_TYPE, "/spec/key", NULL,
            "expected: public key of 64 hexadecimal digits", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *spec = value_of(rows[i].spec), *normal = NULL;
        struct errs errs = {0};
        int r = schema_check(schema_kind(rows[i].kind), spec, "", &normal, &errs);
        if (r != -(int)rows[i].code)
            fail_msg("%s: %d %s", rows[i].spec, r, errs.n ? errs.v[0].what : "accepted");
        assert_null(normal);
        assert_true(errs.n >= 1);
        assert_int_equal(errs.v[0].code, rows[i].code);
        assert_string_equal(errs.v[0].at, rows[i].at);
        if (rows[i].what)
            assert_string_equal(errs.v[0].what, rows[i].what);
        if (rows[i].why)
            assert_string_equal(errs.v[0].why, rows[i].why);
        if (rows[i].fix)
            assert_string_equal(errs.v[0].fix, rows[i].fix);
        assert_true(*errs.v[0].fix);
        value_free(spec);
        errs_done(&errs);
    }
}

static void all_mistakes_come_at_once(void **state)
{
    (void)state;
    struct value *spec = value_of("{'tagg': 1, 'tag': 5000, 'protocol': 'x', 'address': {'n1': 'a',"
                                  " 'n2': ['10.0.0.1/24', 'b', 'c']}, 'mtu': 1}");
    struct value *normal = NULL;
    struct errs errs = {0};
    static const char *const at[] = {"/docs/3/spec/tagg", "/docs/3/spec/parent", "/docs/3/spec/tag",
        "/docs/3/spec/protocol", "/docs/3/spec/address/n1", "/docs/3/spec/address/n2/1",
        "/docs/3/spec/address/n2/2", "/docs/3/spec/mtu"};
    int r = schema_check(schema_kind("vlan"), spec, "/docs/3", &normal, &errs);
    assert_int_equal(r, -ERR_FIELD_UNKNOWN); /* that of the first */
    assert_int_equal(errs.n, ARRAY_LEN(at));
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        assert_string_equal(errs.v[i].at, at[i]);
    value_free(spec);
    errs_done(&errs);
}

/* What comes from outside is shown, but not at length and not as it may move the cursor. */
static void hostile_texts_are_shown_short(void **state)
{
    (void)state;
    char *big = times("😀", 5000);
    struct value *spec = value_map(), *normal;
    struct errs errs = {0};
    value_set_text(spec, "parent", big);
    value_set_text(spec, "tag", "\x1b[2J\n");
    value_set(spec, big + 1, value_int(1));
    value_set(spec, "a\x1b[2J\n", value_int(1));
    assert_true(schema_check(schema_kind("vlan"), spec, big, &normal, &errs) < 0);
    for (size_t i = 0; i < errs.n; i++) {
        const char *all[] = {errs.v[i].what, errs.v[i].why, errs.v[i].fix, errs.v[i].at};
        for (size_t k = 0; k < ARRAY_LEN(all); k++)
            assert_true(utf8_printable(all[k], strlen(all[k])));
        assert_true(strlen(errs.v[i].what) < 160);
    }
    free(big);
    value_free(spec);
    errs_done(&errs);
}

static void long_lists_are_refused(void **state)
{
    (void)state;
    struct value *spec = value_map(), *normal, *list;
    struct errs errs = {0};
    list = value_set(spec, "address", value_list());
    for (int i = 0; i < 10001; i++)
        value_add(list, value_null());
    assert_int_equal(schema_check(schema_kind("switch"), spec, "", &normal, &errs), -ERR_LIMIT);
    assert_int_equal(errs.n, 1);
    assert_string_equal(errs.v[0].why, "at most 10000 are accepted");
    value_free(spec);
    errs_done(&errs);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void a_value_is_the_nodes_own_or_the_common_or_the_default(void **state)
{
    (void)state;
    const struct kind_info *sw = schema_kind("switch");
    struct value *spec = value_of(
        "{'address': {'n1': ['10.0.0.1/24']}, 'uplink': 'eth1', 'mtu': null}");
    assert_value(schema_value(sw, spec, "address", "n1"), "['10.0.0.1/24']");
    assert_null(schema_value(sw, spec, "address", "n2"));
    assert_null(schema_value(sw, spec, "address", NULL));
    assert_value(schema_value(sw, spec, "uplink", "n2"), "'eth1'");
    assert_value(schema_value(sw, spec, "uplink", NULL), "'eth1'");
    assert_value(schema_value(sw, spec, "ageing_s", "n1"), "300");
    assert_value(schema_value(sw, spec, "stp", NULL), "false");
    assert_null(schema_value(sw, spec, "mtu", "n1"));
    value_free(spec);
}

static void vlans_are_walked_as_ranges(void **state)
{
    (void)state;
    struct value *v = value_of("['10-26', 30, 'nonsense', 5000, '4094']");
    struct uint_range r;
    size_t i = 0;
    assert_true(schema_vlans_each(v, &i, &r) && r.first == 10 && r.last == 26);
    assert_true(schema_vlans_each(v, &i, &r) && r.first == 30 && r.last == 30);
    assert_true(schema_vlans_each(v, &i, &r) && r.first == 4094 && r.last == 4094);
    assert_false(schema_vlans_each(v, &i, &r)); /* a newer node's entries are passed over */
    i = 0;
    assert_false(schema_vlans_each(NULL, &i, &r));
    value_free(v);
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t first, last; /* 0: refused */
    } rows[] = {
        {"1-10", 1, 10},
        {"10-10", 10, 10},
        {"7", 7, 7},
        {"100", 100, 100},
        {"0-10", 0, 0},
        {"1-101", 0, 0},
        {"10-1", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"1-", 0, 0},
        {"-5", 0, 0},
        {"1-2-3", 0, 0},
        {"1 - 2", 0, 0},
        {"+1-2", 0, 0},
        {"01-2", 0, 0},
        {"18446744073709551617-18446744073709551618", 0, 0},
        {"99999999999999999999999999", 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uint_range r = {0, 0};
        int rc = schema_range_parse(rows[i].text, 1, 100, &r);
        assert_int_equal(rc, rows[i].first ? 0 : -ERR_SYNTAX);
        assert_true(r.first == rows[i].first && r.last == rows[i].last);
    }
    struct uint_range r;
    assert_int_equal(schema_range_parse("18446744073709551615", 0, UINT64_MAX, &r), 0);
    assert_true(r.last == UINT64_MAX);
    assert_int_equal(schema_range_parse("18446744073709551616", 0, UINT64_MAX, &r), -ERR_SYNTAX);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Flags one after the other, and the spec that they make. */
static void flags(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        const char *set[8]; /* field, text, … */
        const char *spec;
    } rows[] = {
        {"vlan", {"tag", "110", "parent", "eth1"}, "{'tag':110,'parent':'eth1'}"},
        {"vlan", {"tag", "110", "tag", "111"}, "{'tag':111}"},
        {"vlan", {"address", "10.0.0.1/24"}, "{'address':['10.0.0.1/24']}"},
        {"vlan", {"address", "10.0.0.1/24, fd00::1/64"},
            "{'address':['10.0.0.1/24','fd00::1/64']}"},
        {"vlan", {"address", "10.0.0.1/24", "address", "fd00::1/64"},
            "{'address':['10.0.0.1/24','fd00::1/64']}"},
        {"vlan", {"address", "n1=10.0.0.1/24,fd00::1/64,n2=10.0.0.2/24"},
            "{'address':{'n1':['10.0.0.1/24','fd00::1/64'],'n2':['10.0.0.2/24']}}"},
        {"vlan", {"address", "n1=10.0.0.1/24", "address", "n2=10.0.0.2/24"},
            "{'address':{'n1':['10.0.0.1/24'],'n2':['10.0.0.2/24']}}"},
        {"vlan", {"address", "n1="}, "{'address':{'n1':null}}"},
        {"vlan", {"address", "10.0.0.1/24", "address", ""}, "{'address':null}"},
        {"vlan", {"gateway", ""}, "{'gateway':null}"},
        {"vlan", {"gateway", "n1=10.0.0.1"}, "{'gateway':{'n1':'10.0.0.1'}}"},
        {"vlan", {"parent", "n1=eth1,n2=eth2"}, "{'parent':{'n1':'eth1','n2':'eth2'}}"},
        {"switch", {"stp", "on", "vlan_filtering", "false"}, "{'stp':true,'vlan_filtering':false}"},
        {"port", {"trunk", "10,20-30", "trunk", "31"}, "{'trunk':[10,'20-31']}"},
        {"port", {"owner", "web, 1=2"}, "{'owner':'web, 1=2'}"},
        {"node", {"labels", "rack=a,tier=x", "labels", "tier=y"},
            "{'labels':{'rack':'a','tier':'y'}}"},
        {"node", {"labels", "rack="}, "{'labels':{'rack':null}}"},
        {"node", {"labels", "a=b=c"}, "{'labels':{'a':'b=c'}}"},
        {"cluster", {"vni_pools", "red=1-5"}, "{'vni_pools':{'red':'1-5'}}"},
        {"overlay", {"vni", "auto", "mtu", "1400"}, "{'vni':'auto','mtu':1400}"},
        {"overlay", {"endpoints", "node=n1,vlan=storage", "endpoints", "node=n2,vlan=storage"},
            "{'endpoints':[{'node':'n1','vlan':'storage'},{'node':'n2','vlan':'storage'}]}"},
        {"overlay", {"endpoints", "node=n1,vlan=storage; address=192.0.2.9"},
            "{'endpoints':[{'node':'n1','vlan':'storage'},{'address':'192.0.2.9'}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *spec = value_map();
        for (size_t k = 0; k + 1 < ARRAY_LEN(rows[i].set) && rows[i].set[k]; k += 2) {
            struct err e = {0};
            if (schema_set_from_text(
                    schema_kind(rows[i].kind), spec, rows[i].set[k], rows[i].set[k + 1], &e) < 0)
                fail_msg("%s %s: %s", rows[i].set[k], rows[i].set[k + 1], e.what);
        }
        assert_value(spec, rows[i].spec);
        value_free(spec);
    }
}

static void wrong_flags(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *field, *text;
        enum err_code code;
        const char *what, *fix;
    } rows[] = {
        {"vlan", "tagg", "1", ERR_FIELD_UNKNOWN, "vlan has no field tagg", "did you mean tag?"},
        {"vlan", "tag", "5000", ERR_FIELD_RANGE, "tag 5000 is out of range", NULL},
        {"vlan", "tag", "x", ERR_FIELD_TYPE, "tag cannot be \"x\"", NULL},
        {"vlan", "address", "n1=10.0.0.1", ERR_FIELD_TYPE, "address 10.0.0.1 has no prefix length",
            NULL},
        {"vlan", "address", "10.0.0.1/24,n1=10.0.0.2/24", ERR_FIELD_TYPE,
            "address cannot be 10.0.0.1/24,n1=10.0.0.2/24",
            "write NODE=VALUE, several with commas between"},
        {"node", "labels", "rack", ERR_FIELD_TYPE, "labels cannot be rack",
            "write KEY=VALUE, several with commas between"},
        {"overlay", "endpoints", "n1", ERR_FIELD_TYPE, "endpoints cannot be n1",
            "write node=…,vlan=…,address=…"},
        {"overlay", "endpoints", "nod=n1", ERR_FIELD_UNKNOWN, "endpoints has no field nod",
            "did you mean node?"},
        {"port", "trunk", "10,x", ERR_FIELD_RANGE, "trunk cannot hold \"x\"", NULL},
        {"port", "type", "tup", ERR_FIELD_RANGE, "type cannot be \"tup\"",
            "did you mean tap? (karctl explain port.type)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *spec = value_of("{'before': 1}");
        struct err e = {0};
        int r = schema_set_from_text(
            schema_kind(rows[i].kind), spec, rows[i].field, rows[i].text, &e);
        assert_int_equal(r, -(int)rows[i].code);
        assert_string_equal(e.what, rows[i].what);
        if (rows[i].fix)
            assert_string_equal(e.fix, rows[i].fix);
        assert_value(spec, "{'before':1}"); /* nothing changed */
        assert_int_equal(schema_set_from_text(
                             schema_kind(rows[i].kind), spec, rows[i].field, rows[i].text, NULL),
            r);
        value_free(spec);
    }
}

/* --- words ------------------------------------------------------------------------------------ */

static void explain(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct err e;
    assert_int_equal(schema_explain("vlan.tag", &b, &e), 0);
    assert_string_equal(buf_cstr(&b), "vlan.tag: VLAN identifier\n"
                                      "  type       integer 1..4094\n"
                                      "  rules      required, immutable\n"
                                      "  kernel     IFLA_VLAN_ID\n");
    buf_clear(&b);
    assert_int_equal(schema_explain("overlay.endpoints.vlan", &b, &e), 0);
    assert_non_null(strstr(buf_cstr(&b), "  type       name of a vlan\n"));
    buf_clear(&b);
    assert_int_equal(schema_explain("vxlan", &b, &e), 0);
    assert_non_null(strstr(buf_cstr(&b), "  alias      vxlan\n"));
    assert_non_null(strstr(buf_cstr(&b), "(default 4789) [a change recreates the interface]\n"));
    assert_non_null(strstr(buf_cstr(&b), "\nexample\n  kind: overlay\n"));
    buf_done(&b);
}

static void explain_knows_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum err_code code;
        const char *what, *fix;
    } rows[] = {
        {"vlna", ERR_KIND_UNKNOWN, "there is no kind vlna", "did you mean vlan?"},
        {"", ERR_KIND_UNKNOWN, "there is no kind ", "choose one of them"},
        {"vlan.tga", ERR_FIELD_UNKNOWN, "vlan has no field tga", "did you mean tag?"},
        {"vlan.", ERR_FIELD_UNKNOWN, "vlan has no field ", NULL},
        {"vlan.tag.x", ERR_FIELD_UNKNOWN, "tag has no field x", "remove it (karctl explain vlan)"},
        {"overlay.endpoints.nde", ERR_FIELD_UNKNOWN, "endpoints has no field nde",
            "did you mean node?"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = BUF_INIT;
        struct err e = {0};
        assert_int_equal(schema_explain(rows[i].path, &b, &e), -(int)rows[i].code);
        assert_string_equal(e.what, rows[i].what);
        if (rows[i].fix)
            assert_string_equal(e.fix, rows[i].fix);
        assert_int_equal(b.n, 0);
        buf_done(&b);
    }
}

static struct buf explained;

static void row_is_explained(const struct kind_info *k, const struct field *f)
{
    char *cell = mem_printf("%s` |", f->name), path[64];
    struct buf b = BUF_INIT;
    assert_non_null(strstr((char *)explained.p, cell));
    snprintf(path, sizeof(path), "%s.%s", k->name, f->name);
    if (schema_field(k->fields, f->name) == f)
        assert_int_equal(schema_explain(path, &b, NULL), 0);
    free(cell);
    buf_done(&b);
}

static void every_field_is_in_the_reference(void **state)
{
    (void)state;
    schema_to_markdown(&explained);
    buf_cstr(&explained);
    each_row(row_is_explained);
    buf_done(&explained);
}

/* The shape that editors and the kernel suite rely on. */
static void the_json_schema_has_a_definition_for_every_field(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct value *v;
    schema_to_json_schema(&b);
    assert_int_equal(value_from_json((char *)b.p, b.n, &v, NULL), 0);
    assert_int_equal(value_get(v, "allOf")->n, KIND_COUNT);
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct value *def = value_get(value_get(v, "$defs"), schema_kinds[i].name);
        const struct value *spec = value_get(value_get(def, "properties"), "spec");
        const struct value *fields = value_get(spec, "properties");
        size_t n = 0;
        for (const struct field *f = schema_kinds[i].fields; f->name; f++, n++) {
            const struct value *p = value_get(fields, f->name);
            assert_string_equal(value_get_text(p, "description"), f->help);
            assert_int_equal(
                value_get_bool(p, "x-immutable", false), (f->flags & FIELD_IMMUTABLE) != 0);
            assert_int_equal(value_get(p, "default") != NULL, f->otherwise != NULL);
        }
        assert_int_equal(fields->n, n);
        assert_false(value_get_bool(spec, "additionalProperties", true));
    }
    value_free(v);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_sound),
        cmocka_unit_test(every_default_is_sound),
        cmocka_unit_test(every_example_is_accepted),
        cmocka_unit_test(normal_forms),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(all_mistakes_come_at_once),
        cmocka_unit_test(hostile_texts_are_shown_short),
        cmocka_unit_test(long_lists_are_refused),
        cmocka_unit_test(a_value_is_the_nodes_own_or_the_common_or_the_default),
        cmocka_unit_test(vlans_are_walked_as_ranges),
        cmocka_unit_test(ranges),
        cmocka_unit_test(flags),
        cmocka_unit_test(wrong_flags),
        cmocka_unit_test(explain),
        cmocka_unit_test(explain_knows_nothing_else),
        cmocka_unit_test(every_field_is_in_the_reference),
        cmocka_unit_test(the_json_schema_has_a_definition_for_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

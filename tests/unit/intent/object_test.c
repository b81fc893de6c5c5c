/* object_test.c: documents become objects, objects become records, and who stands where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intent/object.h"
#include "value_text.h"

/* --- nodes ------------------------------------------------------------------------------------ */

static void nodes_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *form;
        bool local;
    } rows[] = {
        {"'all'", "'all'", false},
        {"'ALL'", "'all'", false},
        {"'n1'", "['n1']", true},
        {"['n1']", "['n1']", true},
        {"['n1', 'n1']", "['n1']", true},
        {"'n2, n1 ,n3'", "['n1','n2','n3']", false},
        {"['n2', 'n1']", "['n1','n2']", false},
        {"'host-7.example.org'", "['host-7.example.org']", true},
        {"'rack=a'", "'rack=a'", false},
        {"'tier!=x, rack=a,rack=a'", "'rack=a,tier!=x'", false},
        {"'zone/a=b c'", "'zone/a=b c'", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = value_of(rows[i].text), *form;
        struct nodes n, again, copy;
        struct err e = {0};
        if (nodes_parse(v, &n, &e) < 0)
            fail_msg("%s: %s", rows[i].text, e.what);
        form = nodes_to_value(&n);
        assert_value(form, rows[i].form);
        assert_int_equal(nodes_is_local(&n), rows[i].local);
        assert_int_equal(nodes_parse(form, &again, NULL), 0);
        nodes_copy(&copy, &n);
        assert_true(nodes_equal(&n, &again));
        assert_true(nodes_equal(&n, &copy));
        nodes_done(&n);
        nodes_done(&again);
        nodes_done(&copy);
        value_free(v);
        value_free(form);
    }
}

static void nodes_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *what;
    } rows[] = {
        {"null", ERR_FIELD_TYPE, "nodes is neither text nor a list"},
        {"7", ERR_FIELD_TYPE, "nodes is neither text nor a list"},
        {"[]", ERR_FIELD_TYPE, "nodes is empty"},
        {"''", ERR_NAME_INVALID, "nodes cannot name "},
        {"'n1,'", ERR_NAME_INVALID, "nodes cannot name "},
        {"[7]", ERR_NAME_INVALID, "nodes cannot name what is not text"},
        {"['n1', 'all']", ERR_NAME_INVALID, "nodes cannot name all"},
        {"'n1,all'", ERR_NAME_INVALID, "nodes cannot name all"},
        {"['rack=a']", ERR_NAME_INVALID, "nodes cannot name rack=a"},
        {"['n 1']", ERR_NAME_INVALID, "nodes cannot name n 1"},
        {"'-n1'", ERR_NAME_INVALID, "nodes cannot name -n1"},
        {"'=a'", ERR_NAME_INVALID, "=a is no selector of nodes"},
        {"'!=a'", ERR_NAME_INVALID, "!=a is no selector of nodes"},
        {"'rack='", ERR_NAME_INVALID, "rack= is no selector of nodes"},
        {"'rack==a'", ERR_NAME_INVALID, "rack==a is no selector of nodes"},
        {"'rack=a,n1'", ERR_NAME_INVALID, "rack=a,n1 is no selector of nodes"},
        {"'rack=a,'", ERR_NAME_INVALID, "rack=a, is no selector of nodes"},
        {"'a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1'", ERR_NAME_INVALID,
            NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = value_of(rows[i].text);
        struct nodes n;
        struct err e = {0};
        assert_int_equal(nodes_parse(v, &n, &e), -(int)rows[i].code);
        if (rows[i].what)
            assert_string_equal(e.what, rows[i].what);
        assert_true(*e.fix);
        value_free(v);
    }
    struct value *many = value_list();
    struct nodes n;
    for (int i = 0; i <= NODES_MAX; i++)
        value_add(many, value_printf("n%d", i));
    assert_int_equal(nodes_parse(many, &n, NULL), -ERR_LIMIT);
    value_free(many);
    assert_int_equal(nodes_parse(NULL, &n, NULL), -ERR_FIELD_TYPE);
}

static void who_matches(void **state)
{
    (void)state;
    static const struct {
        const char *nodes, *node, *labels;
        bool match;
    } rows[] = {
        {"'all'", "n1", "null", true},
        {"['n1','n2','n3']", "n2", "null", true},
        {"['n1','n3']", "n2", "null", false},
        {"['n1']", "N1", "null", false},
        {"'rack=a'", "n1", "{'rack':'a'}", true},
        {"'rack=a'", "n1", "{'rack':'ab'}", false},
        {"'rack=a'", "n1", "{'rac':'a'}", false},
        {"'rack=a'", "n1", "null", false},
        {"'rack!=a'", "n1", "null", true},
        {"'rack!=a'", "n1", "{'rack':'a'}", false},
        {"'rack!=a'", "n1", "{'rack':'b'}", true},
        {"'rack=a,tier!=x'", "n1", "{'rack':'a','tier':'y'}", true},
        {"'rack=a,tier!=x'", "n1", "{'rack':'a','tier':'x'}", false},
        {"'rack=a,tier!=x'", "n1", "{'tier':'y'}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = value_of(rows[i].nodes), *labels = value_of(rows[i].labels);
        struct nodes n;
        assert_int_equal(nodes_parse(v, &n, NULL), 0);
        assert_int_equal(nodes_match(&n, rows[i].node, labels), rows[i].match);
        nodes_done(&n);
        value_free(v);
        value_free(labels);
    }
}

static void equal_nodes(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "'all'", "['n1']", "['n2']", "['n1','n2']", "'rack=a'", "'rack=b'"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
            struct value *a = value_of(forms[i]), *b = value_of(forms[k]);
            struct nodes x, y;
            nodes_parse(a, &x, NULL);
            nodes_parse(b, &y, NULL);
            assert_int_equal(nodes_equal(&x, &y), i == k);
            nodes_done(&x);
            nodes_done(&y);
            value_free(a);
            value_free(b);
        }
    }
}

/* --- documents -------------------------------------------------------------------------------- */

static void documents(void **state)
{
    (void)state;
    static const struct {
        const char *doc, *title, *nodes, *spec;
    } rows[] = {
        {"{'kind':'switch','name':'lan'}", "switch n7/lan", "['n7']", "{}"},
        {"{'kind':'switch','name':'lan','nodes':null,'spec':null}", "switch n7/lan", "['n7']",
            "{}"},
        {"{'kind':'switch','name':'Lan_1.b-c','nodes':'all'}", "switch Lan_1.b-c", "'all'", "{}"},
        {"{'kind':'switch','name':'lan','nodes':['n2','n1'],'spec':{'stp':true}}", "switch lan",
            "['n1','n2']", "{'stp':true}"},
        {"{'kind':'vxlan','name':'red'}", "overlay n7/red", "['n7']", "{}"},
        {"{'kind':'node','name':'host-7.example.org'}", "node host-7.example.org", "'all'", "{}"},
        {"{'kind':'cluster','name':'kar','nodes':'all'}", "cluster kar", "'all'", "{}"},
        /* ends say where an overlay stands */
        {"{'kind':'overlay','name':'red','spec':{'endpoints':[{'node':'n2','vlan':'a'},"
         "{'node':'n1','vlan':'a'},{'address':'192.0.2.1'}]}}",
            "overlay red", "['n1','n2']",
            "{'endpoints':[{'node':'n2','vlan':'a'},{'node':'n1','vlan':'a'},{'address':'192.0.2.1'"
            "}]}"},
        {"{'kind':'overlay','name':'red','nodes':['n1'],'spec':{'endpoints':{'node':'n1'}}}",
            "overlay n1/red", "['n1']", "{'endpoints':[{'node':'n1'}]}"},
        {"{'kind':'overlay','name':'red','nodes':['n1'],'spec':{'endpoints':{'address':'::2'}}}",
            "overlay n1/red", "['n1']", "{'endpoints':[{'address':'::2'}]}"},
        /* what show prints can be applied */
        {"{'kind':'switch','name':'lan','id':'00','rev':'00','created':'x','changed':'y',"
         "'author':'root','status':{},'live':{},'history':[],'nodes':['n1'],'spec':{}}",
            "switch n1/lan", "['n1']", "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *doc = value_of(rows[i].doc), *nodes;
        struct errs errs = {0};
        struct object *o;
        char title[OBJECT_TITLE];
        if (object_from_document(doc, "/docs/0", "n7", &o, &errs) < 0)
            fail_msg("%s: %s: %s", rows[i].doc, errs.v[0].at, errs.v[0].what);
        assert_string_equal(object_title(o, title), rows[i].title);
        nodes = nodes_to_value(&o->nodes);
        assert_value(nodes, rows[i].nodes);
        assert_value(o->spec, rows[i].spec);
        assert_true(ID_IS_ZERO(&o->id));
        value_free(doc);
        value_free(nodes);
        object_free(o);
    }
}

static void documents_refused(void **state)
{
    (void)state;
    static const struct {
        const char *doc;
        enum err_code code;
        const char *at, *what, *why, *fix;
    } rows[] = {
        {"[]", ERR_FIELD_TYPE, "/docs/0", "a document is not a map", NULL, NULL},
        {"{}", ERR_FIELD_MISSING, "/docs/0", "kind is missing", NULL, "add for example kind: vlan"},
        {"{'kind':7}", ERR_KIND_UNKNOWN, "/docs/0/kind", "kind is not a text", NULL, NULL},
        {"{'kind':'brigde','name':'x'}", ERR_KIND_UNKNOWN, "/docs/0/kind",
            "there is no kind brigde",
            "the kinds are: cluster, node, nic, vlan, overlay, switch, port", NULL},
        {"{'kind':'swich','name':'x'}", ERR_KIND_UNKNOWN, "/docs/0/kind", NULL, NULL,
            "did you mean switch?"},
        {"{'kind':'switch'}", ERR_FIELD_MISSING, "/docs/0", "name is missing",
            "every switch has one", NULL},
        {"{'kind':'switch','name':7}", ERR_NAME_INVALID, "/docs/0/name", "name is not a text", NULL,
            "quote it if it looks like a number"},
        {"{'kind':'switch','name':'a-very-long-name'}", ERR_NAME_INVALID, "/docs/0/name",
            "a switch cannot be named a-very-long-name",
            "it is 16 characters long, the kernel allows 15", NULL},
        {"{'kind':'switch','name':'7lan'}", ERR_NAME_INVALID, "/docs/0/name", NULL,
            "a name begins with a letter and has at most 15 of A-Z a-z 0-9 . _ -", NULL},
        {"{'kind':'switch','name':'a/b'}", ERR_NAME_INVALID, "/docs/0/name", NULL, NULL, NULL},
        {"{'kind':'switch','name':''}", ERR_NAME_INVALID, "/docs/0/name", NULL, NULL, NULL},
        {"{'kind':'switch','name':'Default'}", ERR_NAME_INVALID, "/docs/0/name",
            "a switch cannot be named Default", "the kernel has a use of its own for this name",
            NULL},
        {"{'kind':'vlan','name':'lo','spec':{'parent':'eth1','tag':1}}", ERR_NAME_INVALID,
            "/docs/0/name", NULL, NULL, NULL},
        {"{'kind':'node','name':'all'}", ERR_NAME_INVALID, "/docs/0/name",
            "a node cannot be named all", NULL, NULL},
        {"{'kind':'switch','name':'lan','nodes':[]}", ERR_FIELD_TYPE, "/docs/0/nodes",
            "nodes is empty", NULL, NULL},
        {"{'kind':'port','name':'p','nodes':'all','spec':{'switch':'lan'}}", ERR_FIELD_CONFLICT,
            "/docs/0/nodes", "a port stands on one node", NULL,
            "write the name of one node, and one document for each"},
        {"{'kind':'nic','name':'eth1','nodes':['n1','n2']}", ERR_FIELD_CONFLICT, "/docs/0/nodes",
            "a nic stands on one node", NULL, NULL},
        {"{'kind':'node','name':'n1','nodes':'n1'}", ERR_FIELD_CONFLICT, "/docs/0/nodes",
            "a node does not stand on chosen nodes", "all nodes know it", "leave nodes out"},
        {"{'kind':'overlay','name':'red','nodes':'all','spec':{'endpoints':{'node':'n1'}}}",
            ERR_FIELD_CONFLICT, "/docs/0/nodes", "nodes is not what the endpoints say",
            "an overlay with endpoints stands on the nodes that they name", "leave nodes out"},
        {"{'kind':'switch','name':'lan','tags':1}", ERR_FIELD_UNKNOWN, "/docs/0/tags",
            "a document has no member tags", "it has kind, name, nodes and spec",
            "remove it (karctl explain switch)"},
        {"{'kind':'switch','name':'lan','uplink':'eth1'}", ERR_FIELD_UNKNOWN, "/docs/0/uplink",
            NULL, NULL, "move uplink below spec"},
        {"{'kind':'switch','name':'lan','spec':7}", ERR_FIELD_TYPE, "/docs/0/spec",
            "spec cannot be 7", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *doc = value_of(rows[i].doc);
        struct errs errs = {0};
        struct object *o = NULL;
        int r = object_from_document(doc, "/docs/0", "n7", &o, &errs);
        if (r != -(int)rows[i].code)
            fail_msg("%s: %d", rows[i].doc, r);
        assert_null(o);
        assert_int_equal(errs.n, 1);
        assert_int_equal(errs.v[0].code, rows[i].code);
        assert_string_equal(errs.v[0].at, rows[i].at);
        if (rows[i].what)
            assert_string_equal(errs.v[0].what, rows[i].what);
        if (rows[i].why)
            assert_string_equal(errs.v[0].why, rows[i].why);
        if (rows[i].fix)
            assert_string_equal(errs.v[0].fix, rows[i].fix);
        assert_true(*errs.v[0].fix);
        value_free(doc);
        errs_done(&errs);
    }
}

static void all_mistakes_of_a_document_come_at_once(void **state)
{
    (void)state;
    struct value *doc = value_of(
        "{'kind':'port','name':'0','nodes':'all','x':1,'spec':{'typ':'tap'}}");
    static const char *const at[] = {
        "/docs/2/x", "/docs/2/name", "/docs/2/spec/typ", "/docs/2/spec/switch", "/docs/2/nodes"};
    struct errs errs = {0};
    struct object *o;
    assert_int_equal(object_from_document(doc, "/docs/2", "n1", &o, &errs), -ERR_FIELD_UNKNOWN);
    assert_int_equal(errs.n, ARRAY_LEN(at));
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        assert_string_equal(errs.v[i].at, at[i]);
    value_free(doc);
    errs_done(&errs);
}

/* --- records ---------------------------------------------------------------------------------- */

static struct object *object_of(const char *json)
{
    struct value *doc = value_of(json);
    struct errs errs = {0};
    struct object *o = NULL;
    assert_int_equal(object_from_document(doc, "", "n1", &o, &errs), 0);
    value_free(doc);
    return o;
}

static void a_record_gives_the_object_back(void **state)
{
    (void)state;
    struct object *o = object_of(
        "{'kind':'vlan','name':'storage','spec':{'parent':'eth1','tag':110}}");
    struct object *back, *clone;
    o->id.b[0] = 0xab;
    struct value *v = object_to_value(o), *w;
    assert_value(v, "{'kind':'vlan','name':'storage','id':'ab000000000000000000000000000000',"
                    "'nodes':['n1'],'spec':{'parent':'eth1','tag':110}}");
    assert_int_equal(object_from_value(v, &back, NULL), 0);
    clone = object_clone(back);
    w = object_to_value(clone);
    assert_true(value_equal(v, w));
    assert_ptr_not_equal(clone->spec, back->spec);
    value_free(v);
    value_free(w);
    object_free(o);
    object_free(back);
    object_free(clone);
    object_free(NULL);
}

static void what_a_newer_node_wrote_is_kept(void **state)
{
    (void)state;
    struct value *v = value_of("{'kind':'vlan','name':'a name of a later version','nodes':'rack=a',"
                               "'later':1,'spec':{'tag':'later','dhcp':true,'address':7}}"),
                 *w;
    struct object *o;
    assert_int_equal(object_from_value(v, &o, NULL), 0);
    assert_true(ID_IS_ZERO(&o->id));
    w = object_to_value(o);
    assert_value(value_get(w, "spec"), "{'tag':'later','dhcp':true,'address':7}");
    /* Readers give nothing for what they do not understand. */
    assert_int_equal(object_uint(o, "tag", "n1"), 0);
    assert_null(object_text(o, "address", "n1"));
    assert_string_equal(object_text(o, "protocol", "n1"), "802.1Q");
    value_free(v);
    value_free(w);
    object_free(o);
}

static void records_refused(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        enum err_code code;
    } rows[] = {
        {"null", ERR_SYNTAX},
        {"[]", ERR_SYNTAX},
        {"{'name':'a','nodes':'all','spec':{}}", ERR_SYNTAX},
        {"{'kind':'vale','name':'a','nodes':'all','spec':{}}", ERR_KIND_UNKNOWN},
        {"{'kind':'vlan','nodes':'all','spec':{}}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'','nodes':'all','spec':{}}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'a\\nb','nodes':'all','spec':{}}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'0123456789012345678901234567890123456789012345678901234567890123',"
         "'nodes':'all','spec':{}}",
            ERR_SYNTAX},
        {"{'kind':'vlan','name':'a','nodes':'all'}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'a','nodes':'all','spec':[]}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'a','spec':{}}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'a','nodes':[],'spec':{}}", ERR_SYNTAX},
        {"{'kind':'vlan','name':'a','id':'ab','nodes':'all','spec':{}}", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = value_of(rows[i].record);
        struct object *o = NULL;
        struct err e = {0};
        if (object_from_value(v, &o, &e) != -(int)rows[i].code)
            fail_msg("%s", rows[i].record);
        assert_null(o);
        value_free(v);
    }
}

static void readers_know_nodes_and_defaults(void **state)
{
    (void)state;
    struct object *sw = object_of("{'kind':'switch','name':'lan','nodes':'all','spec':{'stp':true,"
                                  "'uplink':{'n1':'eth1'},'address':['10.0.0.1/24']}}");
    struct object *red = object_of("{'kind':'overlay','name':'red'}");
    assert_true(object_bool(sw, "stp", "n1"));
    assert_false(object_bool(sw, "vlan_filtering", "n1"));
    assert_int_equal(object_uint(sw, "ageing_s", "n1"), 300);
    assert_int_equal(object_uint(sw, "mtu", "n1"), 0);
    assert_string_equal(object_text(sw, "uplink", "n1"), "eth1");
    assert_null(object_text(sw, "uplink", "n2"));
    assert_value(object_value(sw, "address", "n2"), "['10.0.0.1/24']");
    assert_string_equal(object_text(red, "vni", NULL), "auto");
    assert_int_equal(object_uint(red, "vni", NULL), 0); /* auto is no number */
    object_free(sw);
    object_free(red);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_one_form),
        cmocka_unit_test(nodes_refused),
        cmocka_unit_test(who_matches),
        cmocka_unit_test(equal_nodes),
        cmocka_unit_test(documents),
        cmocka_unit_test(documents_refused),
        cmocka_unit_test(all_mistakes_of_a_document_come_at_once),
        cmocka_unit_test(a_record_gives_the_object_back),
        cmocka_unit_test(what_a_newer_node_wrote_is_kept),
        cmocka_unit_test(records_refused),
        cmocka_unit_test(readers_know_nodes_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

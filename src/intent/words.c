/* words.c: how messages name objects, lists of them, and since when they hold something. */
#include <stdio.h>
#include <string.h>

#include "intent/words.h"

const char *words_name(const struct intent *in, const struct object *o, char ret[OBJECT_TITLE])
{
    bool local = nodes_is_local(&o->nodes);
    const struct object *meant = intent_find(in, o->kind, o->name, NULL, NULL);
    if (meant && !ID_EQ(&meant->id, &o->id))
        meant = NULL;
    const struct object *there = local ? intent_find(in, o->kind, o->name, o->nodes.names[0], NULL)
                                       : NULL;
    if (meant || !intent_get(in, &o->id)) /* or it is not there yet: by its name, once it is */
        snprintf(ret, OBJECT_TITLE, "%s", o->name);
    else if (there && ID_EQ(&there->id, &o->id))
        snprintf(ret, OBJECT_TITLE, "%s/%s", o->nodes.names[0], o->name);
    else /* another one has the name */
        hex_encode(o->id.b, sizeof(o->id.b), ret);
    return ret;
}

const char *words_delete(const struct intent *in, const struct object *o, struct err_text *ret)
{
    const char *kind = schema_kinds[o->kind].name, *name = NAME_OF(in, o);
    if (o->kind != KIND_NIC)
        return err_text_format(ret, "karctl %s delete %s", kind, name);
    struct buf b = BUF_INIT;
    buf_printf(&b, "karctl nic set %s", name);
    for (size_t i = 0; i < o->spec->n; i++)
        buf_printf(&b, " --unset %s", o->spec->keys[i]);
    err_text_format(ret, "%s", buf_cstr(&b));
    buf_done(&b);
    return ret->s;
}

const char *words_since(const struct intent *in, const struct object *o, char ret[WORDS_SINCE])
{
    const struct entry *e = intent_entry(in, &o->id);
    *ret = 0;
    if (e && e->created) {
        char t[TIME_TEXT];
        time_wall_format(hlc_wall(e->created), t);
        snprintf(ret, WORDS_SINCE, " since %.10s %.5s UTC", t, t + 11);
    }
    return ret;
}

void words_add(struct words *l, const char *name)
{
    size_t used = strlen(l->text), room = sizeof(l->text) - used;
    /* " and 4294967295 more" must still fit behind it. */
    if (l->hidden || strlen(name) + 24 > room) {
        l->hidden++;
        return;
    }
    snprintf(l->text + used, room, "%s%s", l->n++ ? ", " : "", name);
}

const char *words_text(struct words *l)
{
    if (l->hidden) {
        size_t used = strlen(l->text);
        snprintf(l->text + used, sizeof(l->text) - used, " and %u more", (unsigned)l->hidden);
        l->hidden = 0;
    }
    return l->text;
}

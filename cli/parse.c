/* parse.c: argv to an invocation.
 *
 * Options may stand anywhere, also before the command; what an option takes is the same in every
 * command that has it, so that the words can be told from the values before the command is known.
 * Whether the command takes the option is checked at the end. */
#include "cli/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "cli/human.h"
#include "cli/output.h"

struct parser {
    struct invocation *in;
    char *const *argv;
    int argc, at;
    bool words_only; /* after -- */
    struct err *e;
};

static const char *help_of(const struct invocation *in, struct err_text *t)
{
    return err_text_format(t, "karctl%s%s --help", *in->path ? " " : "", in->path);
}

static int word_unknown(const struct parser *p, const char *word)
{
    const struct invocation *in = p->in;
    struct nearest s = {.word = word};
    struct err_text t;

    for (const struct command *k = in->command->children; k->name; k++)
        if (!k->hidden)
            nearest_try(&s, k->name);
    const char *fix_ = s.best ? err_text_format(&t, "did you mean: karctl %s%s%s", in->path,
                                    *in->path ? " " : "", s.best)
                              : help_of(in, &t);
    if (*in->path)
        return err_set(
            p->e, ERR_USAGE, what("karctl %s has no command %s", in->path, word), NULL, fix_);
    return err_set(p->e, ERR_USAGE, what("karctl has no command %s", word), NULL, fix_);
}

static int flag_unknown(const struct parser *p, const char *flag)
{
    const struct command *c = p->in->command;
    struct nearest s = {.word = flag};
    char names[64][FLAG_TEXT];
    size_t names_n = 0;
    const struct field *f;
    struct err_text t;

    for (unsigned id = 0; id < O_COUNT; id++)
        if (command_takes(c, id))
            nearest_try(&s, options[id].name);
    for (size_t i = 0; names_n < ARRAY_LEN(names) && (f = command_field_each(c, &i));)
        nearest_try(&s, field_flag(f, names[names_n++]) + 2);
    return err_set(p->e, ERR_USAGE,
        what("karctl%s%s has no option --%s", *p->in->path ? " " : "", p->in->path, flag), NULL,
        s.best ? err_text_format(&t, "did you mean: --%s", s.best) : help_of(p->in, &t));
}

/* The option of this name in any command, to know whether it takes a value. */
static const struct option *option_anywhere(const char *name, char letter)
{
    for (unsigned id = 0; id < O_COUNT; id++)
        if (name ? strcmp(options[id].name, name) == 0 : options[id].letter == letter)
            return &options[id];
    return NULL;
}

static int value_of_flag(struct parser *p, const char *flag, const char *value_name,
    const char *attached, const char **ret)
{
    if (attached) {
        *ret = attached;
        return 0;
    }
    if (p->at + 1 >= p->argc)
        return err_set(
            p->e, ERR_USAGE, what("%s needs a value", flag), NULL, fix("%s %s", flag, value_name));
    *ret = p->argv[++p->at];
    return 0;
}

static int take_field(
    struct parser *p, const struct field *f, bool no, const char *typed, const char *attached)
{
    struct given g = {.field = f, .text = attached};
    char flag[FLAG_TEXT], value[FLAG_TEXT];

    if (f->type == F_BOOL) {
        if (no && attached)
            return err_set(p->e, ERR_USAGE, what("--%s takes no value", typed), NULL,
                fix("use --no-%s alone, or %s=true", f->name, field_flag(f, flag)));
        if (!attached)
            g.text = no ? "false" : "true";
    } else {
        field_flag(f, flag);
        int r = value_of_flag(p, flag, field_value(f, value), attached, &g.text);
        if (r < 0)
            return r;
    }
    VEC_PUSH(p->in, g);
    return 0;
}

static int take_option(struct parser *p, const struct option *o, const char *attached)
{
    struct given g = {.option = o};
    struct err_text t;

    if (o->takes == OF_NOTHING) {
        if (attached)
            return err_set(p->e, ERR_USAGE, what("--%s takes no value", o->name), NULL,
                fix("use --%s alone", o->name));
    } else {
        const char *flag = err_text_format(&t, "--%s", o->name);
        int r = value_of_flag(p, flag, o->value, attached, &g.text);
        if (r < 0)
            return r;
    }
    VEC_PUSH(p->in, g);
    return 0;
}

static int take_long(struct parser *p, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[FLAG_TEXT];
    size_t n = equals ? (size_t)(equals - text) : strlen(text);
    const char *attached = equals ? equals + 1 : NULL;
    bool no = false;

    snprintf(name, sizeof(name), "%.*s", (int)n, text);
    if (n >= sizeof(name))
        return flag_unknown(p, name);
    const struct option *o = command_option(p->in->command, name, 0);
    if (o)
        return take_option(p, o, attached);
    const struct field *f = command_field(p->in->command, name, &no);
    if (f)
        return take_field(p, f, no, name, attached);
    o = p->in->command->children ? option_anywhere(name, 0) : NULL;
    if (o)
        return take_option(p, o, attached);
    return flag_unknown(p, name);
}

static int take_letters(struct parser *p, const char *letters)
{
    for (; *letters; letters++) {
        const struct option *o = command_option(p->in->command, NULL, *letters);
        if (!o && p->in->command->children)
            o = option_anywhere(NULL, *letters);
        struct err_text t;
        if (!o)
            return err_set(p->e, ERR_USAGE,
                what(
                    "karctl%s%s has no option -%c", *p->in->path ? " " : "", p->in->path, *letters),
                NULL, help_of(p->in, &t));
        if (o->takes != OF_NOTHING)
            return take_option(p, o, letters[1] ? letters + 1 : NULL);
        int r = take_option(p, o, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int take_word(struct parser *p, const char *word)
{
    struct invocation *in = p->in;
    const struct command *child = command_child(in->command, word);

    if (child && in->arguments.n == 0 && !p->words_only) {
        size_t n = strlen(in->path);
        snprintf(in->path + n, sizeof(in->path) - n, "%s%s", n ? " " : "", word);
        in->command = child;
        return 0;
    }
    if (in->command->children && !in->command->arguments[0].name)
        return word_unknown(p, word);
    VEC_PUSH(&in->arguments, word);
    return 0;
}

/* --- checks once everything is known --------------------------------------------------------- */

/* Options that stood before their command: does the command take them, and as which row? */
static int settle_options(struct parser *p)
{
    struct invocation *in = p->in;

    for (size_t i = 0; i < in->n; i++) {
        if (!in->v[i].option)
            continue;
        const struct option *o = command_option(in->command, in->v[i].option->name, 0);
        if (!o)
            return flag_unknown(p, in->v[i].option->name);
        in->v[i].option = o;
    }
    return 0;
}

static int one_of(
    const struct parser *p, const struct option *o, const char *text, const char *const *words)
{
    struct nearest s = {.word = text};
    struct err_text list = {{0}};
    size_t n = 0;

    for (; *words; words++) {
        if (strcmp(*words, text) == 0)
            return 0;
        nearest_try(&s, *words);
        n += (size_t)snprintf(
            list.s + n, sizeof(list.s) - n, "%s%s", n ? (words[1] ? ", " : " or ") : "", *words);
    }
    return err_set(p->e, ERR_USAGE, what("--%s cannot be %s", o->name, text),
        why("it is %s", list.s), s.best ? fix("did you mean: --%s %s", o->name, s.best) : NULL);
}

static int check_value(const struct parser *p, const struct option *o, const char *text)
{
    static const char *const colors[] = {"auto", "always", "never", NULL};
    char *end;
    time_ms ms;

    switch (o->takes) {
    case OF_UINT:
        if (*text < '0' || *text > '9' || strlen(text) > 9 || (strtoul(text, &end, 10), *end))
            return err_set(p->e, ERR_USAGE, what("--%s cannot be %s", o->name, text),
                why("it is a number"), fix("--%s 20", o->name));
        return 0;
    case OF_DURATION:
        switch (duration_parse(text, &ms)) {
        case 0:
            return 0;
        case -ERR_LIMIT:
            return err_set(p->e, ERR_USAGE, what("--%s cannot be %s", o->name, text),
                why("it is at most 1h"), NULL);
        default:
            return err_set(p->e, ERR_USAGE, what("--%s cannot be %s", o->name, text),
                why("it is a length of time"), fix("--%s 30s, 1m30s or 500ms", o->name));
        }
    case OF_LIFETIME:
        if (lifetime_parse(text, &ms) == 0 && ms >= 1000)
            return 0;
        return err_set(p->e, ERR_USAGE, what("--%s cannot be %s", o->name, text),
            why("it is a length of time, up to 720h"), fix("--%s 24h or 30m", o->name));
    case OF_COLOR:
        return one_of(p, o, text, colors);
    case OF_FORMAT:
        return one_of(p, o, text, output_formats);
    default:
        return 0;
    }
}

static int check_arguments(const struct parser *p)
{
    const struct invocation *in = p->in;
    const struct argument *a = in->command->arguments;
    size_t i = 0;
    struct err_text t;

    for (; a->name; a++) {
        if (i >= in->arguments.n && !a->optional)
            return err_set(p->e, ERR_USAGE, what("karctl %s needs a %s", in->path, a->name), NULL,
                help_of(in, &t));
        i = a->many ? in->arguments.n : i + 1;
    }
    if (i < in->arguments.n) {
        const char *extra = in->arguments.v[i];
        bool is_bool = strcmp(extra, "true") == 0 || strcmp(extra, "false") == 0;
        return err_set(p->e, ERR_USAGE,
            what("karctl %s does not know what to do with %s", in->path, extra), NULL,
            is_bool ? "a yes-or-no option takes its value after =, as in --stp=false"
                    : help_of(in, &t));
    }
    return 0;
}

static int check_command(const struct parser *p)
{
    const struct invocation *in = p->in;
    struct err_text list = {{0}};
    size_t n = 0;

    if (in->command->run)
        return check_arguments(p);
    for (const struct command *k = in->command->children; k->name && n < sizeof(list.s); k++)
        if (!k->hidden)
            n += (size_t)snprintf(list.s + n, sizeof(list.s) - n, "%s%s", n ? ", " : "", k->name);
    if (!*in->path)
        return err_set(p->e, ERR_USAGE, "karctl needs a command", NULL, "karctl --help");
    return err_set(p->e, ERR_USAGE, what("karctl %s needs a command", in->path),
        why("it is one of %s", list.s), fix("karctl %s --help", in->path));
}

int invocation_parse(int argc, char *const *argv, struct invocation *ret, struct err *e)
{
    struct parser p = {.in = ret, .argv = argv, .argc = argc, .e = e};
    int r = 0;

    *ret = (struct invocation){.command = &command_root};
    for (p.at = 1; p.at < argc && r == 0; p.at++) {
        const char *word = argv[p.at];
        if (!p.words_only && strcmp(word, "--") == 0)
            p.words_only = true;
        else if (!p.words_only && strncmp(word, "--", 2) == 0)
            r = take_long(&p, word + 2);
        else if (!p.words_only && word[0] == '-' && word[1])
            r = take_letters(&p, word + 1);
        else
            r = take_word(&p, word);
    }
    if (r == 0)
        r = settle_options(&p);
    for (size_t i = 0; i < ret->n && r == 0; i++)
        if (ret->v[i].option && ret->v[i].text)
            r = check_value(&p, ret->v[i].option, ret->v[i].text);
    if (r == 0 && !given(ret, O_HELP) && !given(ret, O_VERSION))
        r = check_command(&p);
    return r;
}

void invocation_done(struct invocation *in)
{
    free(in->v);
    free(in->arguments.v);
    *in = (struct invocation){0};
}

const char *given_each(const struct invocation *in, enum option_id id, size_t *cursor)
{
    while (*cursor < in->n) {
        const struct given *g = &in->v[(*cursor)++];
        if (g->option == &options[id])
            return g->text ? g->text : "";
    }
    return NULL;
}

bool given(const struct invocation *in, enum option_id id)
{
    size_t cursor = 0;
    return given_each(in, id, &cursor) != NULL;
}

const char *given_text(const struct invocation *in, enum option_id id)
{
    const char *text, *last = NULL;

    for (size_t i = 0; (text = given_each(in, id, &i));)
        last = text;
    return last;
}

int64_t given_number(const struct invocation *in, enum option_id id, int64_t otherwise)
{
    const char *text = given_text(in, id);
    time_ms ms;

    if (!text)
        return otherwise;
    if (options[id].takes == OF_DURATION)
        return duration_parse(text, &ms) == 0 ? ms : otherwise;
    if (options[id].takes == OF_LIFETIME)
        return lifetime_parse(text, &ms) == 0 ? ms : otherwise;
    return (int64_t)strtoul(text, NULL, 10);
}

const char *argument(const struct invocation *in, size_t i)
{
    return i < in->arguments.n ? in->arguments.v[i] : NULL;
}

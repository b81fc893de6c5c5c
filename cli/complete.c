/* complete.c: see complete.h. */
#include "cli/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/output.h"

void candidates_add(struct candidates *c, const char *text, const char *help)
{
    struct candidate one = {NULL, NULL};

    if (strncmp(text, c->prefix, strlen(c->prefix)) != 0)
        return;
    one.text = mem_printf("%s%s", c->before, text);
    one.help = help ? mem_strdup(help) : NULL;
    VEC_PUSH(c, one);
}

void candidates_done(struct candidates *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->v[i].text);
        free(c->v[i].help);
    }
    free(c->v);
    *c = (struct candidates){0};
}

struct completion {
    const struct command *command;
    const struct option *option; /* whose value the word is, or */
    const struct field *field;
    size_t arguments; /* words that were neither commands nor options */
    bool words_only;
    const char *socket;
    const struct live_names *live;
    struct candidates *ret;
};

/* --- values ---------------------------------------------------------------------------------- */

static void live(struct completion *p, enum value_of of, const struct kind_info *kind)
{
    if (p->live && p->live->fill)
        p->live->fill(p->live->ctx, p->socket, of, kind, p->ret);
}

static void add_words(struct completion *p, const char *const *words)
{
    for (; words && *words; words++)
        candidates_add(p->ret, *words, NULL);
}

static void add_kinds(struct completion *p)
{
    for (size_t k = 0; k < KIND_COUNT; k++)
        candidates_add(p->ret, schema_kinds[k].name, schema_kinds[k].help);
}

/* vlan, then vlan.tag once there is a dot. */
static void add_paths(struct completion *p)
{
    const char *dot = strchr(p->ret->prefix, '.');

    if (!dot) {
        add_kinds(p);
        return;
    }
    for (size_t k = 0; k < KIND_COUNT; k++)
        for (const struct field *f = schema_kinds[k].fields; f->name; f++) {
            char *path = mem_printf("%s.%s", schema_kinds[k].name, f->name);
            candidates_add(p->ret, path, f->help);
            free(path);
        }
}

static void add_fields(struct completion *p)
{
    for (const struct field *f = p->command->kind ? p->command->kind->fields : NULL; f && f->name;
         f++)
        if (!(f->flags & FIELD_READ_ONLY))
            candidates_add(p->ret, f->name, f->help);
}

static void add_value_of(struct completion *p, enum value_of of)
{
    static const char *const colors[] = {"auto", "always", "never", NULL};
    static const char *const shells[] = {"bash", "zsh", NULL};

    switch (of) {
    case OF_FILE:
        p->ret->files = true;
        break;
    case OF_FORMAT:
        for (const struct output *o = outputs; o->name; o++)
            candidates_add(p->ret, o->name, o->help);
        break;
    case OF_COLOR:
        add_words(p, colors);
        break;
    case OF_SHELL:
        add_words(p, shells);
        break;
    case OF_KIND:
        add_kinds(p);
        break;
    case OF_PATH:
        add_paths(p);
        break;
    case OF_FIELD:
        add_fields(p);
        break;
    case OF_OBJECT:
        live(p, OF_OBJECT, p->command->kind);
        break;
    case OF_NODE:
    case OF_CHANGE:
        live(p, of, NULL);
        break;
    default:
        break;
    }
}

static void add_value_of_field(struct completion *p, const struct field *f)
{
    switch (f->type) {
    case F_ENUM:
        add_words(p, f->of);
        break;
    case F_REF:
        for (unsigned k = 0; k < KIND_COUNT; k++)
            if (f->refs & (1u << k))
                live(p, OF_OBJECT, &schema_kinds[k]);
        break;
    case F_IFNAME:
        live(p, OF_OBJECT, &schema_kinds[KIND_NIC]);
        break;
    case F_NODE:
        live(p, OF_NODE, NULL);
        break;
    case F_VNI:
    case F_MTU:
        candidates_add(p->ret, "auto", NULL);
        break;
    case F_BOOL:
        candidates_add(p->ret, "true", NULL);
        candidates_add(p->ret, "false", NULL);
        break;
    default:
        break;
    }
}

/* --- words ----------------------------------------------------------------------------------- */

static void add_flags(struct completion *p)
{
    const struct field *f;
    char *text, flag[FLAG_TEXT];

    for (size_t i = 0; (f = command_field_each(p->command, &i));)
        candidates_add(p->ret, field_flag(f, flag), f->help);
    for (unsigned id = 0; id < O_COUNT; id++) {
        if (!command_takes(p->command, id))
            continue;
        text = mem_printf("--%s", options[id].name);
        candidates_add(p->ret, text, options[id].help);
        free(text);
    }
}

static void add_children(struct completion *p, const struct command *c)
{
    for (const struct command *k = c->children; k && k->name; k++) {
        if (k->hidden)
            continue;
        candidates_add(p->ret, k->name, k->help);
        if (k->alias && *p->ret->prefix && strncmp(k->name, p->ret->prefix, 1) != 0)
            candidates_add(p->ret, k->alias, k->help);
    }
}

static void add_arguments(struct completion *p)
{
    const struct argument *a = p->command->arguments;
    size_t i = 0;

    for (; a->name && i < p->arguments && !a->many; a++, i++)
        ;
    if (a->name)
        add_value_of(p, a->of);
}

/* "--name" or "--name=": which option or field it is; ret_takes: whether a value follows. */
static bool flag_of(struct completion *p, const char *word, size_t n, bool *ret_takes)
{
    char name[FLAG_TEXT];
    bool no = false;

    if (n < 3 || n - 2 >= sizeof(name))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)(n - 2), word + 2);
    p->option = command_option(p->command, name, 0);
    for (unsigned id = 0; !p->option && p->command->children && id < O_COUNT; id++)
        if (strcmp(options[id].name, name) == 0)
            p->option = &options[id];
    p->field = p->option ? NULL : command_field(p->command, name, &no);
    *ret_takes = p->option ? p->option->takes != OF_NOTHING : p->field && p->field->type != F_BOOL;
    return p->option || p->field;
}

static bool letter_takes(struct completion *p, const char *word)
{
    if (word[0] != '-' || !word[1] || word[1] == '-' || word[2])
        return false;
    p->option = command_option(p->command, NULL, word[1]);
    for (unsigned id = 0; !p->option && p->command->children && id < O_COUNT; id++)
        if (options[id].letter == word[1])
            p->option = &options[id];
    return p->option && p->option->takes != OF_NOTHING;
}

/* Walks the words before the one to complete. */
static void walk_words(struct completion *p, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *w = words[i];
        const struct command *child;
        bool takes = false;
        p->option = NULL;
        p->field = NULL;
        if (!p->words_only && strcmp(w, "--") == 0) {
            p->words_only = true;
        } else if (!p->words_only && w[0] == '-' && w[1]) {
            const char *equals = strchr(w, '=');
            if (strncmp(w, "--", 2) == 0)
                flag_of(p, w, equals ? (size_t)(equals - w) : strlen(w), &takes);
            else
                takes = letter_takes(p, w);
            /* bash hands --tag=110 over as three words; a value of its own is skipped */
            bool split = i + 1 < n && strcmp(words[i + 1], "=") == 0;
            size_t skip = equals ? 0 : split ? 2 : takes ? 1 : 0;
            if (p->option == &options[O_SOCKET] && skip > 0 && i + skip < n)
                p->socket = words[i + skip];
            if (skip > 0 && i + skip >= n)
                return; /* the word to complete is the value */
            i += skip;
        } else if (p->arguments == 0 && (child = command_child(p->command, w))) {
            p->command = child;
        } else {
            p->arguments++;
        }
    }
    p->option = NULL;
    p->field = NULL;
}

void complete(
    const char *const *words, size_t n, const struct live_names *live_, struct candidates *ret)
{
    struct completion p = {.command = &command_root, .live = live_, .ret = ret};
    const char *word = n > 0 ? words[n - 1] : "";
    char *before = NULL;
    bool takes = false;

    *ret = (struct candidates){.prefix = word, .before = ""};
    walk_words(&p, words, n > 0 ? n - 1 : 0);
    if (strcmp(word, "=") == 0 && n > 1 && flag_of(&p, words[n - 2], strlen(words[n - 2]), &takes))
        ret->prefix = ""; /* bash: the cursor stands right after --tag= */
    const char *equals = strchr(word, '=');
    if (!p.option && !p.field && !p.words_only && strncmp(word, "--", 2) == 0 && equals &&
        flag_of(&p, word, (size_t)(equals - word), &takes)) {
        ret->prefix = equals + 1; /* zsh: the whole of --tag=110 is one word */
        ret->before = before = mem_strndup(word, (size_t)(equals + 1 - word));
    }
    if (p.option)
        add_value_of(&p, p.option->takes);
    else if (p.field)
        add_value_of_field(&p, p.field);
    else if (word[0] == '-' && !p.words_only)
        add_flags(&p);
    else {
        if (p.arguments == 0)
            add_children(&p, p.command);
        add_arguments(&p);
    }
    ret->before = "";
    free(before);
}

/* --- the scripts ----------------------------------------------------------------------------- */

static const char script_bash[] =
    "# bash completion for karctl: source <(karctl completion bash)\n"
    "_karctl() {\n"
    "    local line lines IFS=$'\\n'\n"
    "    COMPREPLY=()\n"
    "    lines=$(\"$1\" __complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null) || return 0\n"
    "    if [[ $lines == :files ]]; then\n"
    "        compopt -o default 2>/dev/null\n"
    "        return 0\n"
    "    fi\n"
    "    for line in $lines; do\n"
    "        COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
    "    done\n"
    "}\n"
    "complete -F _karctl karctl\n";

static const char script_zsh[] =
    "#compdef karctl\n"
    "# zsh completion for karctl: source <(karctl completion zsh), or as _karctl in $fpath\n"
    "_karctl() {\n"
    "    local line text\n"
    "    local -a lines described\n"
    "    lines=(\"${(@f)$(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    if [[ ${lines[1]} == :files ]]; then\n"
    "        _files\n"
    "        return\n"
    "    fi\n"
    "    for line in $lines; do\n"
    "        text=${line%%$'\\t'*}\n"
    "        if [[ $line == *$'\\t'* ]]; then\n"
    "            described+=(\"${text//:/\\\\:}:${line#*$'\\t'}\")\n"
    "        else\n"
    "            described+=(\"${text//:/\\\\:}\")\n"
    "        fi\n"
    "    done\n"
    "    (( ${#described} )) && _describe 'karctl' described\n"
    "}\n"
    "if [[ ${funcstack[1]} == _karctl ]]; then\n"
    "    _karctl \"$@\"\n"
    "else\n"
    "    compdef _karctl karctl\n"
    "fi\n";

const char *completion_script(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return script_bash;
    if (strcmp(shell, "zsh") == 0)
        return script_zsh;
    return NULL;
}

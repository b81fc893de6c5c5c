/* input.h: documents that a command sends, and where each of them came from, so that an error in
 * /docs/3/spec/tag is shown as net.yaml:12 or as --tag. */
#ifndef KAR_CLI_INPUT_H
#define KAR_CLI_INPUT_H

#include <stdio.h>

#include "intent/value_yaml.h"

/* All files of one command; the API takes a line of 16 MiB. */
enum { INPUT_BYTES_MAX = 15 << 20, INPUT_FILES_MAX = 1000, INPUT_PLACE = 512 };

struct input {
    struct {
        struct input_file {
            char *name; /* as it was given; "-" is standard input */
            struct yaml_lines lines;
        } * v;
        size_t n, cap;
    } files;
    struct {
        struct input_doc {
            size_t file;   /* NO_FILE: typed as flags */
            char *pointer; /* of the document in its file: "/0", or "/0/2" in a list */
        } * v;
        size_t n, cap;
    } docs;
    size_t bytes;
};

#define NO_FILE SIZE_MAX

/* Appends the documents of a YAML or JSON file to `docs` (a list), each with op `put`. What kard
 * adds when it shows an object (id, status, live, …) is left out, so that `show -o yaml` can be
 * edited and applied; `rev` stays and guards against an edit in between.
 * Errors go to errs, each with its place ("@net.yaml:3"). Returns 0 or the code of the first. */
int input_read(
    struct input *in, const char *path, FILE *stdin_, struct value *docs, struct errs *errs);
/* Appends a document that was typed. */
void input_add_typed(struct input *in, struct value *docs, struct value *doc);

/* Where a pointer of the API points to: "net.yaml:12 (spec.tag)", "--tag"; "" when nowhere. What is
 * a place already ("@net.yaml:3", "--tag") is told as it is. */
char *input_place(const struct input *in, const char *at, char ret_text[INPUT_PLACE]);
void input_done(struct input *in);

#endif

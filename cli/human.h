/* human.h: figures as people read them, and the few that people type. Pure: no clock, no locale. */
#ifndef KAR_CLI_HUMAN_H
#define KAR_CLI_HUMAN_H

#include <stdint.h>

#include "base/time.h"

enum { HUMAN_TEXT = 40, DURATION_MAX_MS = 3600 * 1000 };
#define LIFETIME_MAX_MS (INT64_C(30) * 24 * 3600 * 1000)

/* "30s", "1m30s", "500ms", "2h", "1.5s"; a bare number counts seconds. More than an hour is
 * refused: the API waits no longer. Errors: ERR_SYNTAX, ERR_LIMIT. */
int duration_parse(const char *text, time_ms *ret);
/* The same up to LIFETIME_MAX_MS. */
int lifetime_parse(const char *text, time_ms *ret);

/* RFC 3339 in UTC ("2026-01-31T12:00:00.000Z", fraction optional) to milliseconds since 1970.
 * Errors: ERR_SYNTAX. */
int wall_parse(const char *text, time_ms *ret);

/* Two units at most: 7s, 3m12s, 2h05m, 4d3h. A negative age (clocks differ) reads 0s. */
char *age_format(time_ms age, char ret_text[HUMAN_TEXT]);
char *elapsed_format(time_ms elapsed, char ret_text[HUMAN_TEXT]); /* 4ms, 0.04s, 12.30s */
char *bytes_format(uint64_t bytes, char ret_text[HUMAN_TEXT]);    /* 512 B, 1.2 GiB */
char *count_format(uint64_t n, char ret_text[HUMAN_TEXT]);        /* 1,234,567 */
char *speed_format(uint64_t mbps, char ret_text[HUMAN_TEXT]);     /* 100 Mb/s, 2.5 Gb/s */

/* Columns that a UTF-8 text takes on a terminal: combining marks none, wide characters two. */
unsigned text_columns(const char *text);

#endif

/* time.h: time as a value. Pure code takes it as a parameter; only the edge reads a clock. */
#ifndef KAR_BASE_TIME_H
#define KAR_BASE_TIME_H

#include <stdint.h>

typedef int64_t time_ms; /* monotonic unless a name says wall */

#define TIME_NEVER INT64_MAX

/* RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.000Z. ret_text holds TIME_TEXT bytes. */
enum { TIME_TEXT = 32 };
char *time_wall_format(time_ms wall, char ret_text[TIME_TEXT]);

/* For the edge only (tests/tidy allows them in *_uv.c, src/kard, cli, bench and tests). */
time_ms clock_monotonic(void);
time_ms clock_wall(void);
int64_t clock_monotonic_ns(void);

#endif

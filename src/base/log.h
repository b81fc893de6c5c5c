/* log.h: lines to stderr, with sd-daemon(3) priorities when the journal reads them.
 *
 * Only the edge logs (src/kard, *_uv.c); pure code returns what happened. */
#ifndef KAR_BASE_LOG_H
#define KAR_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_INFO = 6, LOG_DETAIL = 7 };

void log_set_level(enum log_level level);
/* true: prefix "<N>" for the journal (JOURNAL_STREAM is set); false: plain lines with a time. */
void log_set_journal(bool journal);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_err(enum log_level level, const char *context, const struct err *e);

#endif

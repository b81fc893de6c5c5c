/* log.c: lines to stderr.
 *
 * One write per line, so that lines of two threads never mix. Under systemd the journal adds the
 * time; elsewhere the line carries its own. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"

/* The process's own stderr, set once at start: the one place where a global is the truth. */
static enum log_level log_level = LOG_INFO;
static bool log_journal;

void log_set_level(enum log_level level)
{
    log_level = level;
}

void log_set_journal(bool journal)
{
    log_journal = journal;
}

static const char *log_level_text(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warning";
    case LOG_NOTE:
        return "note";
    case LOG_INFO:
        return "info";
    case LOG_DETAIL:
        return "detail";
    }
    return "info";
}

/* Text from outside must not forge a second line or move the terminal's cursor. */
static void log_add_clean(struct buf *b, const char *s)
{
    for (; *s; s++)
        buf_add_byte(b, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : (uint8_t)*s);
}

static void log_write(enum log_level level, const char *text)
{
    struct buf b = BUF_INIT;
    char at[TIME_TEXT];
    if (log_journal)
        buf_printf(&b, "<%d>", (int)level);
    else
        buf_printf(&b, "%s %s ", time_wall_format(clock_wall(), at), log_level_text(level));
    log_add_clean(&b, text);
    buf_add_byte(&b, '\n');
    ssize_t n = write(STDERR_FILENO, b.p, b.n);
    (void)n; /* nowhere left to tell */
    buf_done(&b);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level > log_level)
        return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_write(level, text);
}

void log_err(enum log_level level, const char *context, const struct err *e)
{
    if (level > log_level)
        return;
    struct buf b = BUF_INIT;
    if (context && *context)
        buf_printf(&b, "%s: ", context);
    buf_add_str(&b, e->what);
    if (e->why[0])
        buf_printf(&b, ": %s", e->why);
    if (e->fix[0])
        buf_printf(&b, "; %s", e->fix);
    if (e->at[0])
        buf_printf(&b, " (at %s)", e->at);
    buf_printf(&b, " [%s]", err_code_text(e->code));
    log_write(level, buf_cstr(&b));
    buf_done(&b);
}

/* main.c: the process: its streams, its terminal, its environment. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

/* ✓ needs a terminal that shows it; without a word about it, ASCII is safe. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || !*term || strcmp(term, "dumb") == 0;
}

static struct screen screen_of(FILE *f)
{
    struct screen s = {.f = f, .is_terminal = isatty(fileno(f)) == 1, .utf8 = locale_is_utf8()};
    struct winsize size;

    if (s.is_terminal && ioctl(fileno(f), TIOCGWINSZ, &size) == 0) {
        s.columns = size.ws_col;
        s.lines = size.ws_row;
    }
    s.moves = s.is_terminal && !is_dumb();
    s.now = clock_wall();
    return s;
}

int main(int argc, char **argv)
{
    struct cli c = {.in = stdin, .out = screen_of(stdout), .err = screen_of(stderr)};
    const char *no_color = getenv("NO_COLOR");

    signal(SIGPIPE, SIG_IGN); /* `karctl watch | head` ends quietly, see cmd_watch.c */
    c.in_terminal = isatty(STDIN_FILENO) == 1;
    c.no_color = (no_color && *no_color) || is_dumb();
    c.env_socket = getenv("KARD_SOCKET");
    c.env_root = getenv("KARD_ROOT");
    return cli_run(&c, argc, argv);
}

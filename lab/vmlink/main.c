/* main.c: vmlink, the channel of lab/vm into its guest. One program with two ends:
 *
 *   vmlink host [-t] [-w SECONDS] [-C DIR] PATH COMMAND…   runs COMMAND in the guest of the sockets
 *                                                          PATH0, PATH1, …; its output, its exit
 *                                                          code; 255 when the guest is gone
 *   vmlink guest                                           serves every port that is there
 *   vmlink tsc                                             the kHz that the guest's clock counts in
 */
#include "vmlink.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "host") == 0)
        return host_main(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "guest") == 0)
        return guest_main();
    if (argc == 2 && strcmp(argv[1], "tsc") == 0)
        return tsc_main();
    fputs("usage: vmlink host [-t] [-w SECONDS] [-C DIR] PATH COMMAND...\n"
          "       vmlink guest\n"
          "       vmlink tsc\n",
        stderr);
    return 2;
}

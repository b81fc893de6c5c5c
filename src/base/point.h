/* point.h: named moments at which a test lets the process die, as a crash would.
 *
 * They exist only in builds with KAR_POINTS (presets dev and asan). Elsewhere POINT is
 * nothing, and no name of one is in the binary. */
#ifndef KAR_BASE_POINT_H
#define KAR_BASE_POINT_H

#ifdef KAR_POINTS
#define POINT(name) point_reach(name)
/* Dies by SIGKILL, saying so on standard error, when the file that the environment variable
 * KAR_POINT names holds "NAME" or "NAME N": the N-th time that the point is reached since it was
 * written there. A point may be reached by any thread, one name by one thread only. */
void point_reach(const char *name);
#else
#define POINT(name) ((void)sizeof(name))
#endif

#endif

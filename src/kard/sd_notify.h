/* sd_notify.h: tells systemd how we are, without its library. */
#ifndef KAR_KARD_SD_NOTIFY_H
#define KAR_KARD_SD_NOTIFY_H

#include "base/time.h"

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…". Nothing happens without NOTIFY_SOCKET. */
void sd_notify_send(const char *state);
/* How often WATCHDOG=1 is due (half of what the unit says); 0: never. */
time_ms sd_watchdog_ms(void);

#endif

/* kernel_nl_nic.c: what netlink does not tell of an interface: its driver, speed and duplex
 * (ethtool's ioctls, which follow the network namespace as /sys need not), whether it is wireless,
 * and who else configures it (files of systemd-networkd, NetworkManager and ifupdown).
 *
 * Happy path: three ioctls and three small files. Failure modes: what is not there or cannot be
 * read stays unknown; an interface that went meanwhile is ERR_NOT_FOUND. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netcfg/kernel_nl.h"

enum { SIOCGIWNAME_ = 0x8B01 }; /* linux/wireless.h: answers on wireless interfaces only */

static int ethtool(struct kernel_nl *k, const char *link, void *command)
{
    struct ifreq r = {.ifr_data = command};
    memcpy(r.ifr_name, link, strnlen(link, sizeof(r.ifr_name) - 1));
    return ioctl(k->ioctl_fd, SIOCETHTOOL, &r) == 0 ? 0 : errno;
}

/* A real device has a place on a bus; virtual ones say nothing, "N/A" or their kind's name. */
static int driver_read(struct kernel_nl *k, const struct netlink *l, struct nic_hardware *ret)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    int failed = ethtool(k, l->name, &info);
    if (failed != 0)
        return failed;
    info.driver[sizeof(info.driver) - 1] = '\0';
    info.bus_info[sizeof(info.bus_info) - 1] = '\0';
    snprintf(ret->driver, sizeof(ret->driver), "%.31s", info.driver);
    ret->physical = l->kind == LINK_OTHER && l->kind_text[0] == '\0' && !l->loopback &&
                    info.bus_info[0] != '\0' && strcmp(info.bus_info, "N/A") != 0;
    return 0;
}

/* ETHTOOL_GLINKSETTINGS is asked twice: the first answer says how long the masks are. */
static void settings_read(struct kernel_nl *k, const char *link, struct nic_hardware *ret)
{
    enum { MASKS_MAX = 3 * 127 }; /* three masks of at most 127 words: a signed byte counts them */
    union {                       /* the masks follow the settings */
        uint32_t room[sizeof(struct ethtool_link_settings) / sizeof(uint32_t) + MASKS_MAX];
        struct ethtool_link_settings s;
    } ask = {{0}};
    ask.s.cmd = ETHTOOL_GLINKSETTINGS;
    if (ethtool(k, link, &ask) != 0 || ask.s.link_mode_masks_nwords >= 0)
        return;
    ask.s.cmd = ETHTOOL_GLINKSETTINGS;
    ask.s.link_mode_masks_nwords = (int8_t)-ask.s.link_mode_masks_nwords;
    if (ethtool(k, link, &ask) != 0)
        return;
    if (ask.s.speed != (uint32_t)SPEED_UNKNOWN)
        ret->speed_mbps = ask.s.speed;
    ret->duplex = ask.s.duplex == DUPLEX_FULL   ? NIC_DUPLEX_FULL
                  : ask.s.duplex == DUPLEX_HALF ? NIC_DUPLEX_HALF
                                                : NIC_DUPLEX_UNKNOWN;
}

static bool is_wireless(struct kernel_nl *k, const char *link)
{
    struct ifreq r = {0};
    memcpy(r.ifr_name, link, strnlen(link, sizeof(r.ifr_name) - 1));
    return ioctl(k->ioctl_fd, SIOCGIWNAME_, &r) == 0;
}

/* --- who else configures it --------------------------------------------------------------------
 */

/* Whether a line of the file begins with `start`. Long lines are cut, not split. */
static bool file_has_line(const char *path, const char *start)
{
    char line[256];
    bool has = false, fresh = true;
    FILE *f = fopen(path, "re");
    while (f != NULL && !has && fgets(line, sizeof(line), f) != NULL) {
        has = fresh && strncmp(line, start, strlen(start)) == 0;
        fresh = strchr(line, '\n') != NULL;
    }
    if (f != NULL)
        fclose(f);
    return has;
}

/* They name interfaces by index, ifupdown by name. */
static void manager_read(const struct netlink *l, char ret[NIC_MANAGER_MAX + 1])
{
    char path[64], line[IFNAME_BYTES + 1];
    const char *manager = "";
    snprintf(path, sizeof(path), "/run/systemd/netif/links/%u", l->index);
    if (file_has_line(path, "NETWORK_FILE=/"))
        manager = "systemd-networkd";
    snprintf(path, sizeof(path), "/run/NetworkManager/devices/%u", l->index);
    if (file_has_line(path, "managed=true"))
        manager = "NetworkManager";
    snprintf(line, sizeof(line), "%s=", l->name);
    if (file_has_line("/run/network/ifstate", line))
        manager = "ifupdown";
    snprintf(ret, NIC_MANAGER_MAX + 1, "%s", manager);
}

int kernel_nl_hardware(
    struct kernel *base, const struct netlink *l, struct nic_hardware *ret, struct err *e)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    struct nic_hardware hw = {0};
    if (driver_read(k, l, &hw) == ENODEV)
        return err_set(e, ERR_NOT_FOUND, what("there is no interface %s", l->name), NULL, NULL);
    settings_read(k, l->name, &hw);
    hw.wireless = is_wireless(k, l->name);
    manager_read(l, hw.manager);
    *ret = hw;
    return 0;
}

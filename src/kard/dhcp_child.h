/* dhcp_child.h: what kard's binary does when it is started as part of a DHCP client. */
#ifndef KAR_KARD_DHCP_CHILD_H
#define KAR_KARD_DHCP_CHILD_H

/* The variable that tells it, and its two values. */
#define DHCP_CHILD_VARIABLE "KARD_DHCP"
#define DHCP_CHILD_CLIENT "client" /* become udhcpc, and end when kard ends */
#define DHCP_CHILD_EVENT "event"   /* be its script: one line to DHCP_CHILD_FD */

/* udhcpc takes descriptors 3 and 4 for itself (seen on 1.35). */
enum { DHCP_CHILD_FD = 9 };

/* The process's whole life when the variable is set; -1 when it is not. */
int dhcp_child_main(int argc, char **argv);

#endif

/* vmlink.h: the two ends of the channel, and what the guest must be told of the host's clock. */
#ifndef KAR_LAB_VMLINK_H
#define KAR_LAB_VMLINK_H

/* Ports of one VM, so commands that can run at one time. lab/lib/vm_qemu.sh makes as many. */
#define VMLINK_PORTS_MAX 8

/* What the host's end exits with when the channel itself fails, as ssh does. */
#define VMLINK_FAILED 255

int host_main(int argc, char **argv);
int guest_main(void);
int tsc_main(void);

#endif

// PID 1 of a VM: from an initramfs to a root file system that commands can run in.
#ifndef INIT_H
#define INIT_H

void init_boot(void);

// Kills all processes, syncs the disks and turns the machine off.
_Noreturn void init_power_off(void);

#endif

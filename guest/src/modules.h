// Kernel modules of the initramfs.
#ifndef MODULES_H
#define MODULES_H

// Loads what /modules/order lists, one file name a line, and deletes each file behind itself.
void modules_load(void);

#endif

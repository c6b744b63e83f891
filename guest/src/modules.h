// Kernel modules of the initramfs.
#ifndef MODULES_H
#define MODULES_H

// Loads the modules in /modules/order, one file name per line, and deletes each file afterwards.
void modules_load(void);

#endif

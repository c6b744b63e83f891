// Files and settings that systemd-tmpfiles, udev and sysctl make when a computer boots.
#ifndef INIT_FILES_H
#define INIT_FILES_H

// Creates them in the new root. Skips failing ones.
void init_files_make(void);

#endif

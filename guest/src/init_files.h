// Files and settings that systemd-tmpfiles, udev and sysctl make when a computer boots.
#ifndef INIT_FILES_H
#define INIT_FILES_H

// Makes them in the new root. Skips those that fail.
void init_files_make(void);

#endif

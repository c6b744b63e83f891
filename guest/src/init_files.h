// What systemd-tmpfiles, udev and sysctl make while another computer boots.
#ifndef INIT_FILES_H
#define INIT_FILES_H

// Makes all of it in the root that has just become ours. What fails is left out.
void init_files_make(void);

#endif

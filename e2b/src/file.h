// Content of files: where one lies, and opening one for writing.
#ifndef FILE_H
#define FILE_H

#include "json.h"

// Answers with the regular file that a path leads to.
void file_find(int64_t id, struct json request);

// Makes or empties a file, gives it to the user, replaces its metadata, and writes the content of the request.
void file_write(int64_t id, struct json request);

#endif

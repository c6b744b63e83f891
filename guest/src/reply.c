#include "reply.h"

#include <string.h>

#include "errno_names.h"
#include "session.h"

enum { ERROR_PATH_BYTES = 1024 };

static char text[PAYLOAD_MAX_BYTES];
static struct json_out reply;

struct json_out *reply_begin(void) {
    reply = json_out_begin(text, sizeof text);
    json_out_bool(&reply, "ok", true);
    return &reply;
}

void reply_send(uint32_t stream) {
    json_out_end(&reply);
    session_send(TYPE_RESPONSE, stream, text, reply.length);
}

void reply_empty(uint32_t stream) {
    reply_begin();
    reply_send(stream);
}

void reply_error(uint32_t stream, const char *code, int error, const char *path, const char *message) {
    reply = json_out_begin(text, sizeof text);
    json_out_bool(&reply, "ok", false);
    json_out_open(&reply, "error", '{');
    json_out_text(&reply, "code", code);
    json_out_text(&reply, "message", message);
    char name[ERRNO_NAME_BYTES];
    if (error) json_out_text(&reply, "errno", errno_name(error, name));
    char short_path[ERROR_PATH_BYTES];
    if (path) {
        strncpy(short_path, path, sizeof short_path - 1);
        short_path[sizeof short_path - 1] = '\0';
        json_out_text(&reply, "path", short_path);
    }
    json_out_close(&reply, '}');
    reply_send(stream);
}

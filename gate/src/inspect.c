#include "inspect.h"

#include <ctype.h>

enum { RECORD_HANDSHAKE = 22 };

static ssize_t read_first(struct inspection *inspection, const uint8_t *bytes, size_t count) {
    if (bytes[0] != RECORD_HANDSHAKE) {
        // An HTTP request begins with its method, in capital letters. A connection that is neither TLS nor HTTP is refused.
        if (!isupper(bytes[0])) return -1;
        inspection->state = INSPECT_HTTP;
        inspection->http = HTTP_HEAD;
        return 0;
    }
    int found = hello_read_name(bytes, count, inspection->name);
    if (found <= 0) return found;
    if (!names_is_allowed(inspection->name)) return -1;
    inspection->state = INSPECT_DONE;
    return (ssize_t)count;
}

ssize_t inspect(struct inspection *inspection, const uint8_t *bytes, size_t count) {
    size_t done = 0;
    if (count == 0) return 0;
    if (inspection->state == INSPECT_FIRST) {
        ssize_t passed = read_first(inspection, bytes, count);
        if (passed != 0 || inspection->state == INSPECT_FIRST) return passed;
    }
    if (inspection->state == INSPECT_DONE) return (ssize_t)count;
    while (done < count) {
        bool is_head = inspection->http == HTTP_HEAD;
        ssize_t passed = is_head ? http_read_head(inspection, bytes + done, count - done)
                                 : http_read_rest(inspection, bytes + done, count - done);
        if (passed < 0) return -1;
        if (passed == 0) break;
        done += (size_t)passed;
    }
    return (ssize_t)done;
}

#include "utf8.h"

size_t utf8_sequence(const char *at, const char *end) {
    const unsigned char *s = (const unsigned char *)at;
    size_t have = (size_t)(end - at);
    if (have == 0) return 0;
    if (s[0] < 0x80) return 1;
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || have < need) return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return need;
}

bool utf8_is_valid(const char *text, size_t length) {
    for (const char *end = text + length; text < end;) {
        size_t step = utf8_sequence(text, end);
        if (!step) return false;
        text += step;
    }
    return true;
}

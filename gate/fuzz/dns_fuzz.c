// DNS: only one plain question passes, and addresses are taken only from answers to such questions.
#include <stdlib.h>
#include <string.h>

#include "dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds) {
    if (!holds) abort();
}

static uint8_t *copy_of(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1); // so that the sanitizer sees one byte too many
    memcpy(exact, data, size);
    return exact;
}

static void check_question(uint8_t *message, size_t size) {
    static const uint8_t plain[] = {0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    char name[NAME_BYTES], again[NAME_BYTES];
    size_t length = size, whole;
    enum dns_verdict verdict = dns_judge(message, &length, name);
    require(length <= size);
    if (verdict == DNS_BROKEN) return;
    whole = length;
    require(names_is_allowed(name) == (verdict != DNS_UNKNOWN) && memcmp(message + 4, plain + 2, 8) == 0);
    if (verdict != DNS_PASS) return require((message[2] & 0x80) != 0 && dns_judge(message, &length, again) == DNS_BROKEN);
    require(memcmp(message + 2, plain, sizeof plain) == 0);
    require(dns_judge(message, &length, again) == DNS_PASS && length == whole && strcmp(name, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!names_are_required()) names_allow("example.org");
    if (size > 65535) return 0;
    uint8_t *question = copy_of(data, size), *answer = copy_of(data, size);
    bool is_learned = dns_learn(answer, size);
    require(!is_learned || (size >= 12 && (answer[2] & 0x80)));
    check_question(question, size);
    free(question);
    free(answer);
    return 0;
}

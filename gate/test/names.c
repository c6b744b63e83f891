// The traffic that the gate lets pass when only names are allowed: patterns, questions, client hellos and requests.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/queries.h"
#include "../src/dns.h"
#include "../src/inspect.h"
#include "../src/policy.h"
#include "expect.h"
#include "question.h"

static void test_patterns(void) {
    static const char *const allowed[] = {"example.org", "EXAMPLE.org", "example.org.", "a.example.net", "b.a.example.NET"};
    static const char *const other[] = {"", ".", "org", "a.example.org", "example.org.evil", "xexample.org", "example.net",
                                        "xexample.net", ".example.net", "example.org ", "example.org/", "*.example.net"};
    static const char *const bad[] = {"", "*", "*.", ".a", "a b", "a/b", "*.*.a", "a*", "http://a"};
    expect(names_allow("example.org") && names_allow("*.example.net."), "are patterns", "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!names_allow(bad[i]), "is no pattern:", bad[i]);
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) expect(names_is_allowed(allowed[i]), "allowed:", allowed[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) expect(!names_is_allowed(other[i]), "not allowed:", other[i]);
}

static void test_questions(void) {
    uint8_t message[600] = {0};
    char name[NAME_BYTES];
    size_t length = write_question(message, "example.org", 1), whole = length;
    message[11] = 1; // bytes after the question, which are cut off
    length += 40;
    expect(dns_judge(message, &length, name) == DNS_PASS && length == whole && message[11] == 0, "passes", name);
    length = write_question(message, "example.org", 16);
    expect(dns_judge(message, &length, name) == DNS_NOTHING && message[2] == 0x81 && message[3] == 0x80, "empty", name);
    length = write_question(message, "secret.evil.example", 1);
    expect(dns_judge(message, &length, name) == DNS_UNKNOWN && (message[3] & 15) == 3, "unknown", name);
    length = write_question(message, "example.org", 1);
    message[2] = 0x80;
    expect(dns_judge(message, &length, name) == DNS_BROKEN, "an answer is not a question", "");
    length = write_question(message, "a.example.org", 1);
    message[13] = '.'; // a label that is a dot: "..example.org"
    expect(dns_judge(message, &length, name) == DNS_UNKNOWN, "a dot in a label is none between labels", name);
    length = write_question(message, "example.org", 1);
    message[12] = 0xc0;
    expect(dns_judge(message, &length, name) == DNS_BROKEN, "no pointer in a question", "");
}

static void test_answers(void) {
    uint8_t message[600] = {0};
    size_t length = write_question(message, "example.org", 1);
    struct address address = address_v4((const uint8_t[]){203, 0, 113, 9}, 443);
    expect(!names_is_learned(&address), "not yet learned", "");
    message[2] = 0x81, message[3] = 0x80, message[7] = 2;
    memcpy(message + length, "\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c", 14);
    memcpy(message + length + 14, "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xcb\0\x71\x09", 16);
    for (size_t cut = 0; cut < length + 30; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, message, cut);
        expect(!dns_learn(copy, cut), "a cut answer is not passed on", "");
        free(copy);
    }
    expect(!names_is_learned(&address), "not learned from a cut answer", "");
    expect(dns_learn(message, length + 30) && names_is_learned(&address), "learned", "");
    message[length + 19] = 3, message[length + 29] = 11, address.bytes[3] = 11; // of another class
    expect(dns_learn(message, length + 30) && !names_is_learned(&address), "not learned", "an address of another class");
    length = write_question(message, "example.com", 1);
    message[2] = 0x81, message[7] = 1;
    memcpy(message + length, "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xcb\0\x71\x0a", 16);
    address.bytes[3] = 10;
    expect(!dns_learn(message, length + 16) && !names_is_learned(&address), "not of another name", "");
}

// An allowed name that leads to a closed address, at once or later, by an alias or in another spelling: the address stays closed.
static void test_rebinding(void) {
    static const char *const targets[] = {"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1",
                                          "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "fd00::1"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        uint8_t message[600] = {0}, bytes[16];
        bool is_v4 = inet_pton(AF_INET, targets[i], bytes) == 1;
        expect(is_v4 || inet_pton(AF_INET6, targets[i], bytes) == 1, "is an address:", targets[i]);
        uint8_t size = is_v4 ? 4 : 16;
        size_t length = write_question(message, "example.org", is_v4 ? 1 : 28);
        message[2] = 0x81, message[3] = 0x80, message[7] = 2;
        memcpy(message + length, "\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x02\xc0\x0c", 14);
        memcpy(message + length + 14, "\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04", 12);
        message[length + 17] = is_v4 ? 1 : 28, message[length + 25] = size;
        memcpy(message + length + 26, bytes, size);
        expect(dns_learn(message, length + 26 + size), "an answer is passed on:", targets[i]);
        struct address to = is_v4 ? address_v4(bytes, 443) : address_v6(bytes, 443), embedded;
        expect(policy_is_closed(&to, &embedded), "stays closed behind an allowed name:", targets[i]);
        bool is_by_name = true;
        expect(policy_judge(&to, &is_by_name) == VERDICT_CLOSED, "is refused behind an allowed name:", targets[i]);
    }
}

static void test_numbers(void) {
    int one, other;
    uint8_t guest[2] = {1, 2}, first[2] = {1, 2}, again[2];
    expect(queries_number(&one, first, 2) && !queries_number(&one, again, 1), "a number", "");
    memcpy(again, first, 2);
    expect(!queries_restore(&other, again, 2) && !queries_restore(&one, again, 1), "no answer", "by another way");
    again[1] ^= 1;
    expect(!queries_restore(&one, again, 2), "no answer", "of another number");
    again[1] ^= 1;
    expect(queries_restore(&one, again, 2) && memcmp(again, guest, 2) == 0, "the guest's number is back", "");
    expect(!queries_restore(&one, first, 2), "no answer", "twice");
    int moved = 0;
    for (int i = 0; i < 3 * QUERIES_MAX; i++) {
        uint8_t number[2] = {7, 7};
        expect(queries_number(&one, number, 2), "a number", "");
        moved += number[0] != 7 || number[1] != 7;
    }
    expect(moved > 2 * QUERIES_MAX, "numbers are our own", "");
}

// The result must be the same for all bytes at once and byte by byte.
static bool passes(const void *given, size_t count) {
    const uint8_t *bytes = given;
    struct inspection whole = {0}, slow = {0};
    ssize_t at_once = inspect(&whole, bytes, count);
    size_t done = 0;
    bool is_refused = false;
    for (size_t seen = 1; seen <= count && !is_refused; seen++) {
        uint8_t *copy = malloc(seen - done);
        memcpy(copy, bytes + done, seen - done);
        ssize_t passed = inspect(&slow, copy, seen - done);
        free(copy);
        if (passed < 0) is_refused = true;
        else done += (size_t)passed;
    }
    bool is_whole = at_once == (ssize_t)count;
    expect(is_whole == (!is_refused && done == count), "the same in pieces:", (const char *)given);
    return is_whole;
}

static void test_requests(void) {
#define HEAD "GET / HTTP/1.1\r\nHost: example.org\r\n"
    static const char *const good[] = {
        HEAD "\r\n",
        "GET / HTTP/1.0\r\nhost:\tA.Example.Net:8080 \r\n\r\n",
        "GET http://example.org/x HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\nabc" HEAD "\r\n",
        "POST / HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n" HEAD "\r\n",
        HEAD "X-~!#$%&'*+.^_`|9: \xc3\xa4\t,\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: example.org\r\nContent-Length: 0\r\n\r\n" HEAD "\r\n",
    };
    static const char *const bad[] = {
        "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.org\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.com\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.org\r\nHost: example.org\r\n\r\n",
        "GET http://example.com/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET http://example.org@example.com/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET https://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: example.org\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\r\nHost: example.org\r\n\r\n",
        "get / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/1.1\nHost: example.org\n\n",
        "GET / HTTP/1.1\r\nHost: example.org\r\nX: \n\nGET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\rHost: example.com\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\r\n Host: example.com\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : example.com\r\nHost: example.org\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.org:80:example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.org, example.com\r\n\r\n",
        HEAD "Upgrade: h2c\r\n\r\n",
        HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        HEAD "Content-Length: +3\r\n\r\nabc",
        HEAD "Content-Length: 9999999999999999\r\n\r\n",
        HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: example.com\r\n\r\n",
        HEAD "\r\nGET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        // A server that expects no body here, or does not know the coding, reads the following bytes as the next request.
        "CONNECT / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 3\r\n\r\nabc",
        "CONNECT http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / http/1.1\r\nHost: example.org\r\n\r\n",
        "GET /\tHTTP/1.0 HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET /\x0b HTTP/1.1\r\nHost: example.org\r\n\r\n",
        HEAD "\x01Transfer-Encoding: chunked\r\n\r\n", HEAD "Transfer-Encoding\x7f: chunked\r\n\r\n",
        HEAD "Transfer Encoding: chunked\r\n\r\n", HEAD "Transfer-\xffncoding: chunked\r\n\r\n", HEAD "X: a\x0b\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n", "EHLO example.org\r\n\r\n", "\r\n" HEAD "\r\n", "\x80\x01",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) expect(passes(good[i], strlen(good[i])), "passes:", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect(!passes(bad[i], strlen(bad[i])), "is held:", bad[i]);
}

// A head that arrives byte by byte is read once: the parts that were found valid are not read again.
static void test_slow_head(void) {
    char head[] = HEAD "X: 0123456789\r\nY: 0\r";
    struct inspection inspection = {0};
    size_t half = strlen(HEAD) + 8;
    expect(inspect(&inspection, (uint8_t *)head, half) == 0, "waits", "for the rest of a head");
    head[5] = '\n';
    expect(inspect(&inspection, (uint8_t *)head, sizeof head - 1) == 0, "is not read again", "what was right");
    head[sizeof head - 2] = '\n';
    expect(inspect(&inspection, (uint8_t *)head, sizeof head - 1) < 0, "is held:", "a bare line end after a pause");
}

// A client hello with these bytes as its extensions.
static size_t write_hello(uint8_t *bytes, const uint8_t *extensions, size_t size) {
    size_t body = 2 + 32 + 1 + 2 + 2 + 2 + 2 + size;
    memset(bytes, 0, 200);
    memcpy(bytes, "\x16\x03\x01", 3);
    bytes[4] = (uint8_t)(body + 4);
    bytes[5] = 1;
    bytes[8] = (uint8_t)body;
    memcpy(bytes + 44, "\0\x02\x13\x01\x01\0", 6);
    bytes[51] = (uint8_t)size;
    memcpy(bytes + 52, extensions, size);
    return body + 9;
}

static void test_hellos(void) {
    static const uint8_t good[] = "\0\x0a\0\x02\0\x1d\0\0\0\x10\0\x0e\0\0\x0b" "example.org";
    static const uint8_t other[] = "\0\0\0\x10\0\x0e\0\0\x0b" "example.com";
    static const uint8_t twice[] = "\0\0\0\x10\0\x0e\0\0\x0b" "example.org" "\0\0\0\x10\0\x0e\0\0\x0b" "example.com";
    static const uint8_t two[] = "\0\0\0\x1e\0\x1c\0\0\x0b" "example.org" "\0\0\x0b" "example.com";
    static const uint8_t nul[] = "\0\0\0\x10\0\x0e\0\0\x0b" "exampl\0.org";
    static const uint8_t longer[] = "\0\0\0\x11\0\x0e\0\0\x0b" "example.org" "\0";
    static const uint8_t none[] = "\0\x0a\0\x02\0\x1d";
    uint8_t bytes[200];
    size_t length = write_hello(bytes, good, sizeof good - 1);
    expect(passes(bytes, length), "passes:", "a hello");
    for (size_t at = 0; at < length; at++) {
        for (int value = 0; value < 256; value += 5) {
            uint8_t *copy = malloc(length);
            char name[NAME_BYTES];
            memcpy(copy, bytes, length);
            copy[at] = (uint8_t)value;
            hello_read_name(copy, length, name);
            free(copy);
        }
    }
    expect(!passes(bytes, write_hello(bytes, other, sizeof other - 1)), "is held:", "another name");
    expect(!passes(bytes, write_hello(bytes, twice, sizeof twice - 1)), "is held:", "the extension twice");
    expect(!passes(bytes, write_hello(bytes, two, sizeof two - 1)), "is held:", "two names");
    expect(!passes(bytes, write_hello(bytes, nul, sizeof nul - 1)), "is held:", "a NUL");
    expect(!passes(bytes, write_hello(bytes, longer, sizeof longer - 1)), "is held:", "bytes behind the names");
    length = write_hello(bytes, good, sizeof good - 1);
    bytes[8]++, bytes[4]++;
    expect(!passes(bytes, length + 1), "is held:", "bytes behind the extensions");
    bytes[8]--;
    expect(!passes(bytes, length + 1), "is held:", "another message in the record");
    expect(!passes(bytes, write_hello(bytes, none, sizeof none - 1)), "is held:", "no name");
}

int main(void) {
    test_patterns();
    test_questions();
    test_answers();
    test_rebinding();
    test_numbers();
    test_requests();
    test_slow_head();
    test_hellos();
    return expect_end("names");
}

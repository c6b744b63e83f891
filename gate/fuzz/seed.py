"""Writes a few small inputs, and those that were kept, for a fuzz target: seed.py packet|inspect|dns|talk FOLDER."""

import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../../guest/fuzz"))
import corpus


def tcp(flags, more=b""):
    return struct.pack("!HHIIBBHHH", 40000, 443, 7, 0, (20 + len(more)) // 4 << 4, flags, 65535, 0, 0) + more


def v4(segment, options=b""):
    length = 20 + len(options) + len(segment)
    words = (20 + len(options)) // 4
    return struct.pack("!BBHHHBBH", 0x40 | words, 0, length, 1, 0x4000, 64, 6, 0) + b"\xc6\x12\0\x02\xcb\0\x71\x07" + options + segment


def v6(segment):
    return struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + b"\xfd" + bytes(14) + b"\x02" + b"\x20\x01" + bytes(13) + b"\x07" + segment


def hello(name, *more):
    names = struct.pack("!BH", 0, len(name)) + name
    given = [(10, b"\0\x02\0\x1d"), (0, struct.pack("!H", len(names)) + names), *more]
    extensions = b"".join(struct.pack("!HH", kind, len(value)) + value for kind, value in given)
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


def labels(name):
    return b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"


def question(name, kind=1, flags=0x0100, counts=(1, 0, 0, 0)):
    return struct.pack("!HH4H", 0x1234, flags, *counts) + labels(name) + struct.pack("!HH", kind, 1)


def record(kind, value, name=b"\xc0\x0c"):
    return name + struct.pack("!HHIH", kind, 1, 60, len(value)) + value


def talk(asked, answered=b""):
    return struct.pack("!H", len(asked)) + asked + answered


def framed(*messages):
    return b"".join(struct.pack("!H", len(message)) + message for message in messages)


def answer(name, kind=1):
    return struct.pack("!HH4H", 0, 0x8180, 1, 1, 0, 0) + labels(name) + struct.pack("!HH", kind, 1) + record(1, b"\xcb\0\x71\x09")


HEAD = b"GET / HTTP/1.1\r\nHost: example.org\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: example.org\r\n"
SYN_OPTIONS = b"\x02\x04\xff\xd8\x04\x02\x08\x0a\0\0\0\x01\0\0\0\0\x01\x03\x03\x07"
SEEDS = {
    "packet": [
        *[v4(tcp(2)), v4(tcp(2, SYN_OPTIONS)), v4(tcp(2, SYN_OPTIONS), b"\x94\x04\0\0"), v4(tcp(2)) + bytes(6)],
        *[v4(tcp(0x12)), v4(tcp(0xC2)), v6(tcp(2)), v6(tcp(2, SYN_OPTIONS)), v6(tcp(2)) + b"x" * 30],
        *[v4(tcp(2)[:19]), v4(tcp(2)[:14]), v6(tcp(2)[:19])],
    ],
    "inspect": [
        *[HEAD + b"\r\n", HEAD + b"Accept: */*\r\nX: a, b\r\n\r\n" + HEAD + b"\r\n"],
        b"GET http://example.org/x HTTP/1.1\r\nhost:\texample.org:80 \r\n\r\n",
        POST + b"Content-Length: 3\r\n\r\nabc" + HEAD + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n" + HEAD + b"\r\n",
        POST + b"Content-Length: 10\r\n\r\nabc",
        HEAD + b"X: " + b"y" * 2000 + b"\r\n\r\n",
        *[hello(b"example.org"), hello(b"example.org", (16, b"\0\x03\x02h2")) + b"\x14\x03\x03\0\x01\x01", hello(b"example.com")],
    ],
    "talk": [
        talk(framed(question(b"example.org")), framed(answer(b"example.org"))),
        talk(framed(question(b"example.org"), question(b"example.org", 28)), framed(answer(b"example.org"), answer(b"example.org", 28))),
        *[talk(framed(question(b"a.example.com"))), talk(framed(question(b"example.org", 16))), talk(b"\0\0")],
        talk(framed(question(b"example.org"))[:20], framed(answer(b"example.org"))),
    ],
    "dns": [
        *[question(b"example.org"), question(b"eXample.ORG", 28), question(b"example.org", 16), question(b"a.example.com")],
        question(b"example.org", counts=(1, 0, 0, 1)) + b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0),
        question(b"example.org", flags=0x8180, counts=(1, 2, 0, 0)) + record(5, b"\xc0\x0c") + record(1, b"\xcb\0\x71\x09"),
        question(b"example.org", 28, 0x8380, (1, 1, 1, 0)) + record(28, b"\x20\x01" + bytes(14), labels(b"a.b")) + record(6, b"\0" * 22),
        question(b"example.org", flags=0x8180, counts=(1, 40, 0, 0)) + record(1, b"\xcb\0\x71\x09") * 40,
    ],
}

kind, folder = sys.argv[1:]
corpus.write_inputs(folder, SEEDS[kind], os.path.join(os.path.dirname(__file__), "corpus", f"{kind}.txt"))

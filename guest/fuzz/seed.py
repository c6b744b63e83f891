"""Writes a few small inputs, and those that were kept, for a fuzz target: seed.py frame|json|record|digest FOLDER."""

import json
import os
import struct
import sys

import corpus

MAGIC = b"\x89PYROSYNC\r\n\x1a\n\x00\x01\xff"


def frame(kind, stream, payload, tag=b"\x01\x02\x03\x04"):
    return struct.pack("<IIB3x", len(payload), stream, kind) + payload + tag


def record(text, content=b""):
    return struct.pack("<I", len(text)) + text + content


def header(**fields):
    return json.dumps({"path": "a/b", "type": "file", "mode": 420, "mtime_s": 1, "mtime_ns": 2, "size": 0} | fields).encode()


FRAMES = [
    frame(2, 1, b'{"op":"ping"}'),
    frame(4, 2, bytes(9) + b"data") + frame(5, 2, bytes(9)) + frame(6, 2, bytes(17)),
    bytes(40) + MAGIC + b"\x05" * 16 + frame(2, 3, b"{}", tag=b"\x05" * 4),
    MAGIC[:9] + MAGIC + bytes(16) + MAGIC + b"\x06" * 16,
    frame(2, 1, b"x" * 300)[:100] + bytes(400) + MAGIC + b"\x07" * 16 + frame(2, 9, b"", tag=b"\x07" * 4),
    frame(8, 2, bytes(9) + b"\0\x10" + bytes(6) + b"\xff\0\0\0") + frame(8, 0, bytes(21)),
    frame(2, 1, b"{}", tag=b"zzzz") + frame(2, 2, b"{}"),
    struct.pack("<IIB3x", 65537, 1, 2) + MAGIC + b"\x08" * 16,
]
TEXTS = [
    b'{"op":"start","argv":["a","\\u00e9\\ud83d\\ude00"],"env":{"A":"b"},"stdin":true,"rows":24}',
    b'{"a":[1,-2.5e+3,null,false,{"b":[[[[[]]]]]}],"op":"x"}',
    b' { "time_s" : 9223372036854775807 , "x" : -9223372036854775808 , "y" : 92233720368547758070 } ',
    '{"é":"€😀","\\"":"\\\\\\/\\b\\f\\n\\r\\t"}'.encode(),
    b"{}",
]
RECORDS = [
    record(header(size=5), b"12345") + record(header(path="c")),
    record(header(type="symlink", target="../x")) + record(header(type="hardlink", target="a/b")),
    record(header(type="directory")) + record(b'{"path_base64":"/w==","type":"file","size":1}', b"x"),
    record(header(path="x" * 4095, type="symlink", target="\x01" * 2000)),
    record(b"{}") + record(header(mode=-1)),
]
DIGESTED = [b"", b"abc", bytes(range(256)), b"x" * 63, b"\x80\x01" * 60]

kind, folder = sys.argv[1:]
corpus.write_inputs(folder, {"frame": FRAMES, "json": TEXTS, "record": RECORDS, "digest": DIGESTED}[kind], os.path.join(os.path.dirname(__file__), "corpus", f"{kind}.txt"))

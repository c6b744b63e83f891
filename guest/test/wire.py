"""The host's end of the protocol, as small as a test needs it. Standard library only."""

import fcntl
import json
import os
import select
import socket
import struct
import termios
import time

MAGIC = b"\x89PYROSYNC\r\n\x1a\n\x00\x01\xff"
BACK = b"\x89PYROBACK\r\n\x1a\n\x00\x01\xff"
PAD = bytes(65552)
HELLO, REQUEST, RESPONSE, DATA, EOF, WINDOW, EXIT, MAIL, ZEROS = range(1, 10)
STDIN, STDOUT, STDERR, CONTENT = range(4)
DEADLINE_S = 60
ALL = 1 << 62


class Wire:
    """One connection: frames out, frames in, and what has been collected so far."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE_S)
        self.nonce = None
        self.inbox = bytearray()
        self.skipped = b""  # what came before the last sync's answer
        self.frames = []  # (type, stream, payload) not yet taken
        self.next_stream = int.from_bytes(os.urandom(3), "little") + 1

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def frame(self, kind, stream, payload, tag=None, zeros=b"\0\0\0"):
        head = struct.pack("<IIB", len(payload), stream, kind) + zeros
        return head + payload + (self.nonce[:4] if tag is None else tag)

    def new_stream(self):
        self.next_stream += 1
        return self.next_stream

    def fill(self):
        chunk = self.sock.recv(1 << 20)
        if not chunk:
            raise EOFError("the agent hung up")
        self.inbox += chunk

    def sync(self, pad=PAD):
        """Starts a session and returns its hello."""
        self.nonce = b"\x01" + os.urandom(15)
        self.frames = []
        self.inbox.clear()
        self.send(pad + MAGIC + self.nonce)
        answer = BACK + self.nonce
        while (at := self.inbox.find(answer)) < 0:
            self.fill()
        self.skipped = bytes(self.inbox[:at])
        del self.inbox[: at + len(answer)]
        kind, stream, payload = self.take(lambda k, s, p: True)
        assert (kind, stream) == (HELLO, 0), (kind, stream)
        return json.loads(payload)

    def parse(self):
        while len(self.inbox) >= 12:
            length, stream, kind = struct.unpack_from("<IIB", self.inbox)
            assert length <= 65536 and 1 <= kind <= 8, (length, kind)
            if len(self.inbox) < 16 + length:
                return
            assert self.inbox[12 + length : 16 + length] == self.nonce[:4], "tag"
            self.frames.append((kind, stream, bytes(self.inbox[12 : 12 + length])))
            del self.inbox[: 16 + length]

    def take(self, wanted):
        """Removes and returns the first frame for which wanted(type, stream, payload) holds."""
        seen = 0
        while True:
            self.parse()
            for index in range(seen, len(self.frames)):
                if wanted(*self.frames[index]):
                    return self.frames.pop(index)
            seen = len(self.frames)
            self.fill()

    def is_quiet(self):
        """Sends a ping and waits for the answer: everything that was due before has arrived then."""
        before = len(self.frames)
        self.ask("ping")
        return len(self.frames) == before

    def is_taken(self):
        """The peer has read everything."""
        return fcntl.ioctl(self.sock, termios.TIOCOUTQ, bytes(4)) == bytes(4)

    def post(self, op, stream=None, **fields):
        stream = stream or self.new_stream()
        self.send(self.frame(REQUEST, stream, json.dumps({"op": op, **fields}, separators=(",", ":")).encode()))
        return stream

    def answer(self, stream):
        return json.loads(self.take(lambda k, s, p: k == RESPONSE and s == stream)[2])

    def ask(self, op, **fields):
        return self.answer(self.post(op, **fields))

    def window(self, stream, channel, acked, limit):
        self.send(self.frame(WINDOW, stream, struct.pack("<BQQ", channel, acked, limit)))

    def data(self, stream, channel, offset, data):
        self.send(self.frame(DATA, stream, struct.pack("<BQ", channel, offset) + data))

    def eof(self, stream, channel, offset):
        self.send(self.frame(EOF, stream, struct.pack("<BQ", channel, offset)))

    def exit(self, stream):
        return json.loads(self.take(lambda k, s, p: k == EXIT and s == stream)[2])

    def take_window(self, stream, channel):
        payload = self.take(lambda k, s, p: k == WINDOW and s == stream and p[0] == channel)[2]
        return struct.unpack("<QQ", payload[1:])

    def collect(self, stream, channel, offset=0, until=None):
        """Reads a channel from `offset` to its eof, or until it holds `until` bytes."""
        got = bytearray()
        while until is None or len(got) < until:
            kind, _, payload = self.take(
                lambda k, s, p: s == stream and k in (DATA, EOF) and p[0] == channel
            )
            at = struct.unpack_from("<Q", payload, 1)[0]
            assert at == offset + len(got), (at, offset + len(got))
            if kind == EOF:
                assert until is None
                break
            got += payload[9:]
            self.window(stream, channel, offset + len(got), ALL)
        return bytes(got)

    def start(self, command=None, open_windows=True, **fields):
        """Starts a job with both output channels open; returns its stream."""
        if command is not None:
            fields["command"] = command
        stream = self.post("start", **fields)
        if open_windows:
            self.window(stream, STDOUT, 0, ALL)
            self.window(stream, STDERR, 0, ALL)
        answer = self.answer(stream)
        assert answer["ok"], answer
        self.pid = answer["pid"]
        return stream

    def run(self, command=None, **fields):
        """Runs to the end; returns (exit, stdout, stderr) and releases the job."""
        stream = self.start(command, **fields)
        out, err = self.collect(stream, STDOUT), self.collect(stream, STDERR)
        end = self.exit(stream)
        assert self.ask("release", job=stream)["ok"]
        return end, out, err


def connect(path):
    """Connects to a socket that may only be about to exist."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > deadline:
                raise
            select.select([], [], [], 0.005)

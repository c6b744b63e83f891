"""Pieces that the agent lays into its half of the mailbox, and standard input that the host lays into the other."""

import hashlib
import os
import struct

from agent import ListeningTest, wait_until
from wire import CONTENT, DATA, EOF, MAIL, STDERR, STDIN, STDOUT

MIB = 1048576
SIZE = 4 * MIB
HELD = 262144
WINDOW = 2 * MIB


class Outbox(ListeningTest):
    def more_arguments(self):
        self.box = os.path.join(self.folder, "mailbox")
        with open(self.box, "wb") as file:
            file.truncate(2 * SIZE)
        return ["--mailbox", self.box]

    def make_file(self, size):
        path = os.path.join(self.folder, "content")
        content = os.urandom(size)
        with open(path, "wb") as file:
            file.write(content)
        return path, content

    def start_output(self, command):
        stream = self.wire.start(command, open_windows=False)
        self.wire.window(stream, STDOUT, 0, WINDOW)
        self.wire.window(stream, STDERR, 0, WINDOW)
        return stream

    def lay_out(self, payload):
        """The offset, place and bytes of a frame of mail."""
        _, offset, at, length = struct.unpack("<BQQI", payload)
        self.assertGreaterEqual(at, SIZE)
        self.assertLessEqual(at + length, 2 * SIZE)
        self.assertGreaterEqual(length, 65536)
        with open(self.box, "rb") as file:
            file.seek(at)
            return offset, at, file.read(length)

    def take_piece(self, stream, channel):
        """(kind, offset, bytes) of the next frame of a channel."""
        kind, _, payload = self.wire.take(lambda k, s, p: s == stream and k in (DATA, EOF, MAIL) and p[0] == channel)
        if kind == MAIL:
            offset, _, content = self.lay_out(payload)
            return kind, offset, content
        return kind, struct.unpack_from("<Q", payload, 1)[0], payload[9:]

    def drain(self, stream, channel, got=b"", until=None):
        got, kinds = bytearray(got), []
        while until is None or len(got) < until:
            acked = len(got)
            kind, offset, content = self.take_piece(stream, channel)
            self.assertEqual(offset, len(got))
            if kind == EOF:
                break
            if kind == DATA:
                self.assertLessEqual(offset + len(content), acked + HELD)
            kinds.append(kind)
            got += content
            self.wire.window(stream, channel, len(got), len(got) + WINDOW)
        return bytes(got), kinds

    def test_output_of_a_command(self):
        path, content = self.make_file(7 * MIB + 12_345)
        stream = self.start_output(f"cat {path}; cat {path} >&2")
        got, kinds = self.drain(stream, STDOUT, until=len(content))
        errors, _ = self.drain(stream, STDERR)
        self.assertTrue(got == content and errors == content)
        self.assertIn(MAIL, kinds)
        self.assertEqual(self.wire.exit(stream)["stdout_bytes"], len(content))

    def test_a_host_that_grants_little_is_sent_frames_only(self):
        path, content = self.make_file(MIB)
        stream = self.wire.start(f"cat {path}", open_windows=False)
        got = b""
        while len(got) < len(content):
            self.wire.window(stream, STDOUT, len(got), len(got) + HELD)
            kind, _, piece = self.take_piece(stream, STDOUT)
            self.assertEqual(kind, DATA)
            got += piece
        self.assertEqual(hashlib.sha256(got).digest(), hashlib.sha256(content).digest())

    def test_pieces_stay_until_they_are_acknowledged(self):
        path, content = self.make_file(6 * MIB)
        stream = self.start_output(f"cat {path}")
        pieces, end = [], 0
        while end < WINDOW - HELD:
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream and k in (DATA, MAIL) and p[0] == STDOUT)
            if kind == MAIL:
                pieces.append(payload)
                end = sum(struct.unpack("<Q4xI", payload[1:9] + bytes(4) + payload[17:]))
            else:
                end += len(payload) - 9
        self.assertGreater(len(pieces), 1)
        self.settle()
        for payload in pieces:
            offset, _, piece = self.lay_out(payload)
            self.assertTrue(piece == content[offset : offset + len(piece)], offset)

    def test_a_new_session_gets_what_was_not_acknowledged(self):
        path, content = self.make_file(9 * MIB + 1)
        stream = self.start_output(f"cat {path}")
        got = b""
        for _ in range(6):
            got, _ = self.drain(stream, STDOUT, got, until=len(got) + 600_000)
            self.take_piece(stream, STDOUT)  # seen, but not acknowledged
            self.reconnect()
            self.assertGreaterEqual(self.wire.ask("follow", job=stream)["stdout_bytes"], len(got))
            self.wire.window(stream, STDOUT, len(got), len(got) + WINDOW)
        got, _ = self.drain(stream, STDOUT, got)
        self.assertTrue(got == content)

    def test_a_file_that_is_read(self):
        path, content = self.make_file(5 * MIB + 77)
        stream = self.wire.post("read", path=path)
        self.wire.window(stream, CONTENT, 0, WINDOW)
        got, kinds = self.drain(stream, CONTENT)
        self.assertTrue(got == content)
        self.assertIn(MAIL, kinds)
        self.assertEqual(self.wire.answer(stream)["bytes"], len(content))

    def test_released_commands_leave_their_slots(self):
        path, content = self.make_file(4 * MIB)
        for _ in range(2 * SIZE // MIB):
            stream = self.start_output(f"cat {path}")
            self.assertEqual(self.wire.take(lambda k, s, p: s == stream and k == MAIL)[0], MAIL)
            self.assertTrue(self.wire.ask("release", job=stream)["ok"])

    def send_mail(self, stream, offset, at, content):
        with open(self.box, "r+b") as file:
            file.seek(at)
            file.write(content)
        self.wire.send(self.wire.frame(MAIL, stream, struct.pack("<BQQI", STDIN, offset, at, len(content))))

    def test_standard_input(self):
        path, content = self.make_file(5 * MIB + 321)
        stream = self.wire.start("sha256sum; wc -c", stdin=True, mail=True)
        sent, acked = 0, 0
        while sent < len(content):
            while acked < sent or (sent == 0 and acked == 0):
                acked, limit = self.wire.take_window(stream, STDIN)
                self.assertEqual(limit, acked + MIB)
                if sent == 0:
                    break
            if sent == 0:
                self.wire.data(stream, STDIN, 0, content[:100])
                sent = 100
                continue
            piece = content[sent : sent + MIB]
            self.send_mail(stream, sent, MIB * (sent % 3), piece)
            sent += len(piece)
        self.wire.eof(stream, STDIN, sent)
        self.assertEqual(self.wire.collect(stream, STDOUT).split()[0].decode(), hashlib.sha256(content).hexdigest())

    def test_standard_input_that_waits_for_a_slow_command(self):
        path, content = self.make_file(MIB)
        stream = self.wire.start("read line; cat", stdin=True, mail=True)
        self.wire.take_window(stream, STDIN)
        self.send_mail(stream, 0, 0, b"x\n" + content[2:])
        self.wire.eof(stream, STDIN, MIB)
        self.assertTrue(self.drain(stream, STDOUT)[0] == content[2:])

    def test_standard_input_of_a_command_that_has_ended(self):
        stream = self.wire.start("true", stdin=True, mail=True)
        self.wire.exit(stream)
        self.wire.ask("ping")
        self.send_mail(stream, 0, 0, b"late")
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_a_new_session_begins_without_mail(self):
        stream = self.wire.start("cat", stdin=True, mail=True)
        self.wire.take_window(stream, STDIN)
        self.reconnect()
        self.wire.window(stream, STDOUT, 0, HELD)
        acked, limit = self.wire.take_window(stream, STDIN)
        self.assertEqual(limit, HELD)
        self.send_mail(stream, 0, 0, b"x")
        self.assert_broken()
        self.assertTrue(self.wire.ask("follow", job=stream, mail=True)["ok"])
        self.assertEqual(self.wire.take_window(stream, STDIN), (0, MIB))
        self.send_mail(stream, 0, 0, b"x")
        self.wire.eof(stream, STDIN, 1)
        self.wire.window(stream, STDOUT, 0, HELD)
        self.assertEqual(self.wire.collect(stream, STDOUT), b"x")

    def test_mail_that_was_not_asked_for_ends_the_session(self):
        stream = self.wire.start("cat", stdin=True)
        self.wire.take_window(stream, STDIN)
        self.send_mail(stream, 0, 0, b"x")
        self.assert_broken()

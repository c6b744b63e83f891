"""Content in the mailbox has the same effect as content in a data frame."""

import json
import os
import struct

from agent import wait_until
from files import FilesTest, record
from wire import CONTENT, MAIL, RESPONSE, STDIN, WINDOW

SIZE = 3 * 1048576
LONGEST = 1048576


class Mailbox(FilesTest):
    def more_arguments(self):
        self.box = os.path.join(self.folder, "mailbox")
        with open(self.box, "wb") as file:
            file.truncate(2 * SIZE)  # the second half is the agent's
        return ["--mailbox", self.box]

    def lay(self, at, content):
        with open(self.box, "r+b") as file:
            file.seek(at)
            file.write(content)

    def mail(self, stream, offset, at, length, channel=CONTENT, more=b""):
        payload = struct.pack("<BQQI", channel, offset, at, length) + more
        self.wire.send(self.wire.frame(MAIL, stream, payload))

    def begin(self):
        stream = self.wire.post("stage", path=self.target, id=os.urandom(8).hex())
        self.wire.take(lambda k, s, p: (k, s) == (WINDOW, stream))
        return stream

    def answer(self, stream):
        return json.loads(self.wire.take(lambda k, s, p: (k, s) == (RESPONSE, stream))[2])

    def finish(self, stream, offset):
        self.wire.eof(stream, CONTENT, offset)
        answer = self.answer(stream)
        self.assertTrue(self.wire.ask("commit", transfer=stream)["ok"])
        return answer

    def read(self, *names):
        with open(self.at(*names), "rb") as file:
            return file.read()

    def test_hello_says_how_large_it_is(self):
        self.assertEqual((self.hello["mailbox_bytes"], self.hello["outbox_bytes"]), (SIZE, SIZE))

    def test_mail_and_frames_in_turn(self):
        content = os.urandom(2 * LONGEST + 70_001)
        head = record("big", content=content)[: -len(content)]
        tail = record("small", content=b"after")
        stream = self.begin()
        self.wire.data(stream, CONTENT, 0, head)
        at, sent = len(head), 0
        for place, length in ((0, LONGEST), (LONGEST, LONGEST), (2 * LONGEST, 70_001)):
            self.lay(place, content[sent : sent + length])
            self.mail(stream, at, place, length)
            at, sent = at + length, sent + length
        self.wire.data(stream, CONTENT, at, tail)
        self.assertEqual(self.finish(stream, at + len(tail)), {"ok": True, "entries": 2, "bytes": len(content) + 5, "unchanged": 0})
        self.assertEqual((self.read("big"), self.read("small")), (content, b"after"))

    def test_records_begin_anywhere_in_a_piece_of_mail(self):
        contents = {f"d/{number}": os.urandom(size) for number, size in enumerate((0, 1, 4095, 4096, 70_000, 131_072, 300_001))}
        stream_bytes = b"".join(record(path, content=content) for path, content in contents.items())
        stream = self.begin()
        at = 0
        for number, step in enumerate((5000, 65_536, 1, 200_000, len(stream_bytes))):
            piece = stream_bytes[at : at + step]
            self.lay(number * 4096 * 16, piece)
            self.mail(stream, at, number * 4096 * 16, len(piece))
            at += len(piece)
            self.wire.ask("ping")  # read before the next one is laid over it
        self.finish(stream, at)
        for path, content in contents.items():
            self.assertEqual(self.read(path), content, path)

    def test_the_content_at_the_time_of_the_frame_counts(self):
        stream = self.begin()
        offset = 0
        for number in range(20):
            piece = record(f"f{number}", content=b"%d" % number)
            self.lay(8192, piece)
            self.mail(stream, offset, 8192, len(piece))
            offset += len(piece)
            self.wire.ask("ping")
        self.finish(stream, offset)
        self.assertEqual([self.read(f"f{number}") for number in range(20)], [b"%d" % number for number in range(20)])

    def test_windows_are_granted_as_for_frames(self):
        content = os.urandom(6 * LONGEST)
        head = record("big", content=content)[: -len(content)]
        stream = self.begin()
        self.wire.data(stream, CONTENT, 0, head)
        at, limit = len(head), 4 * LONGEST
        for piece in range(6):
            while limit < at + LONGEST:
                limit = struct.unpack("<BQQ", self.wire.take(lambda k, s, p: (k, s) == (WINDOW, stream))[2])[2]
            self.lay(0, content[piece * LONGEST : (piece + 1) * LONGEST])
            self.mail(stream, at, 0, LONGEST)
            at += LONGEST
            self.wire.ask("ping")
        self.finish(stream, at)
        self.assertEqual(self.read("big"), content)

    def test_broken_mail_ends_the_session(self):
        for offset, at, length, channel, more in (
            (0, 0, 0, CONTENT, b""),
            (0, 0, LONGEST + 1, CONTENT, b""),
            (0, 1, 10, CONTENT, b""),
            (0, SIZE, 1, CONTENT, b""),
            (0, SIZE - 4096, 4097, CONTENT, b""),
            (0, 2**64 - 4096, 4096, CONTENT, b""),
            (1, 0, 10, CONTENT, b""),
            (0, 0, 10, STDIN, b""),
            (0, 0, 10, CONTENT, b"x"),
        ):
            with self.subTest((offset, at, length, channel, more)):
                stream = self.begin()
                self.mail(stream, offset, at, length, channel, more)
                self.wire.sync()
                self.assertEqual(self.wire.ask("ping"), {"ok": True})
        self.assert_nothing_staged()

    def test_mail_for_a_stream_that_has_ended(self):
        stream = self.begin()
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.mail(stream, 0, 0, 100)
        self.mail(self.wire.new_stream(), 0, 0, 100)
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_a_mailbox_that_cannot_be_read(self):
        stream = self.begin()
        os.truncate(self.box, 4096)
        self.mail(stream, 0, 1048576, 4096)
        self.assert_error(self.answer(stream), "IO", errno="EIO")
        self.assert_nothing_staged()


class NoMailbox(FilesTest):
    def test_mail_without_a_mailbox_is_broken(self):
        self.assertNotIn("mailbox_bytes", self.hello)
        stream = self.wire.post("stage", path=self.target, id="a1")
        self.wire.send(self.wire.frame(MAIL, stream, struct.pack("<BQQI", CONTENT, 0, 0, 1)))
        self.wire.sync()
        wait_until(lambda: not os.path.exists(os.path.join(self.workspace, ".pyro-staging")))


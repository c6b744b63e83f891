"""Content that is sent as a number of zero bytes has the same effect as zeros in a data frame."""

import json
import os
import struct

from files import FilesTest, record
from wire import CONTENT, RESPONSE, STDIN, WINDOW, ZEROS

LONGEST = 1048576


class Zeros(FilesTest):
    def zeros(self, stream, offset, length, channel=CONTENT, more=b""):
        self.wire.send(self.wire.frame(ZEROS, stream, struct.pack("<BQI", channel, offset, length) + more))

    def begin(self):
        stream = self.wire.post("stage", path=self.target, id=os.urandom(8).hex())
        self.wire.take(lambda k, s, p: (k, s) == (WINDOW, stream))
        return stream

    def test_zeros_are_content(self):
        self.assertIs(self.hello["zeros"], True)
        stream = self.begin()
        size = 2 * LONGEST + 5000
        heading = record("f", content=bytes(size))[:-size]
        self.wire.data(stream, CONTENT, 0, heading)
        at = len(heading)
        for length in (LONGEST, 4999, LONGEST, 1):
            self.zeros(stream, at, length)
            at += length
        self.wire.eof(stream, CONTENT, at)
        answer = json.loads(self.wire.take(lambda k, s, p: (k, s) == (RESPONSE, stream))[2])
        self.assertEqual((answer["ok"], answer["bytes"]), (True, size))
        self.assertTrue(self.wire.ask("commit", transfer=stream)["ok"])
        with open(os.path.join(self.target, "f"), "rb") as file:
            self.assertEqual(file.read(), bytes(size))

    def test_broken_frames_of_zeros_end_the_session(self):
        for offset, length, channel, more in (
            (0, 0, CONTENT, b""),
            (0, LONGEST + 1, CONTENT, b""),
            (0, 2**32 - 1, CONTENT, b""),
            (1, 10, CONTENT, b""),
            (2**64 - 5, 10, CONTENT, b""),
            (0, 10, STDIN, b""),
            (0, 10, CONTENT, b"x"),
        ):
            with self.subTest((offset, length, channel, more)):
                stream = self.begin()
                self.zeros(stream, offset, length, channel, more)
                self.wire.sync()
                self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_more_than_the_window_ends_the_session(self):
        stream = self.begin()
        for number in range(5):
            self.zeros(stream, number * LONGEST, LONGEST)
        self.wire.sync()
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_zeros_for_a_stream_that_has_ended(self):
        self.zeros(self.wire.new_stream(), 0, 100)
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

"""Flow control: tiny windows, violations, fairness, stdin."""

import hashlib
import os
import select
import socket

from agent import AgentTest, wait_until
from wire import ALL, DATA, DEADLINE_S, EXIT, REQUEST, RESPONSE, STDERR, STDIN, STDOUT

HELD = 262144


class Output(AgentTest):
    def test_nothing_before_the_first_window(self):
        stream = self.wire.start("echo x", open_windows=False)
        self.wire.exit(stream)
        self.assertTrue(self.wire.is_quiet())
        self.wire.window(stream, STDOUT, 0, 0)
        self.assertTrue(self.wire.is_quiet())
        self.wire.window(stream, STDOUT, 0, 1)
        self.assertEqual(self.wire.collect(stream, STDOUT, until=1), b"x")
        self.wire.window(stream, STDOUT, 1, 2)
        self.assertEqual(self.wire.collect(stream, STDOUT, offset=1), b"\n")

    def test_eof_of_an_empty_channel_waits_for_a_window(self):
        stream = self.wire.start("true", open_windows=False)
        self.wire.exit(stream)
        self.assertTrue(self.wire.is_quiet())
        self.wire.window(stream, STDERR, 0, 0)
        self.assertEqual(self.wire.collect(stream, STDERR), b"")

    def test_big_output_through_tiny_windows(self):
        size, step = 300_000, 777
        stream = self.wire.start(f"seq 1 1000000 | head -c {size}", open_windows=False)
        got = b""
        while len(got) < size:
            self.wire.window(stream, STDOUT, len(got), len(got) + step)
            got += self.wire.take(lambda k, s, p: k == DATA)[2][9:]
        self.wire.window(stream, STDOUT, size, size)
        self.assertEqual(self.wire.collect(stream, STDOUT, offset=size), b"")
        self.assertEqual(got, b"".join(b"%d\n" % i for i in range(1, 60000))[:size])

    def test_ten_megabytes(self):
        end, out, _ = self.wire.run("head -c 10000000 /dev/zero | tr '\\0' x")
        self.assertEqual((end["stdout_bytes"], out == b"x" * 10_000_000), (10_000_000, True))

    def test_the_agent_holds_no_more_than_it_may(self):
        stream = self.wire.start("yes | head -c 1000000; echo done >&2", open_windows=False)
        follow = lambda: self.wire.ask("follow", job=stream)["stdout_bytes"]
        wait_until(lambda: follow() == HELD)
        self.wire.window(stream, STDOUT, 0, ALL)
        self.assertEqual(len(self.wire.collect(stream, STDOUT, until=1_000_000)), 1_000_000)

    def test_output_left_in_the_pipe_at_the_end_is_not_lost(self):
        stream = self.wire.start("head -c 300000 /dev/zero; sleep 1000 & echo", open_windows=False)
        end = self.wire.exit(stream)
        self.assertEqual(end["stdout_bytes"], 300_001)
        self.wire.window(stream, STDOUT, 0, ALL)
        self.assertEqual(len(self.wire.collect(stream, STDOUT)), 300_001)

    def test_one_loud_command_does_not_starve_another(self):
        loud = self.wire.start("exec yes", open_windows=False)
        wait_until(lambda: self.wire.ask("follow", job=loud)["stdout_bytes"] == HELD)
        quiet = self.wire.start("echo hello", open_windows=False)
        wait_until(lambda: self.wire.ask("follow", job=quiet)["stdout_bytes"] == 6)
        self.wire.window(loud, STDOUT, 0, ALL)
        self.wire.window(quiet, STDOUT, 0, ALL)
        before = 0
        while True:
            _, stream, payload = self.wire.take(lambda k, s, p: k == DATA)
            self.assertLessEqual(len(payload) - 9, 32768)
            if stream == quiet:
                break
            before += len(payload)
        self.assertLessEqual(before, HELD + 1024)
        self.wire.ask("release", job=loud)

    def test_windows_that_break_the_rules(self):
        for windows in (
            [(0, 10), (1 << 40, 1 << 41)],  # beyond what was sent
            [(0, 10), (5, 20), (4, 20)],  # acked goes back
            [(0, 10), (5, 4)],  # limit before acked
            [(1, 10)],  # nothing was sent yet
            [(0, 10), (11, 20)],
        ):
            with self.subTest(windows):
                stream = self.wire.start("printf 0123456789abcdefghij", open_windows=False)
                self.wire.exit(stream)
                for index, (acked, limit) in enumerate(windows):
                    self.wire.window(stream, STDOUT, acked, limit)
                    if index == 0 and acked == 0:
                        self.wire.take(lambda k, s, p: k == DATA)
                self.assert_broken()
                self.wire.ask("release", job=stream)

    def test_a_window_for_a_channel_that_the_job_does_not_have(self):
        for channel in (STDIN, 3, 4, 255):
            stream = self.wire.start("true", open_windows=False)
            self.wire.window(stream, channel, 0, 10)
            self.assert_broken()
            self.wire.ask("release", job=stream)

    def test_late_frames_are_ignored(self):
        stream = self.wire.start("true")
        self.wire.ask("release", job=stream)
        self.wire.window(stream, STDOUT, 5, 10)
        self.wire.data(stream, STDIN, 0, b"x")
        self.wire.eof(stream, STDIN, 1)
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_a_flood_of_requests_whose_answers_wait(self):
        # The agent stops reading while its queue of answers is full.
        count = 20_000
        flood = b"".join(self.wire.frame(REQUEST, 1000 + i, b'{"op":"nope"}') for i in range(count))
        while flood:
            readable, writable, _ = select.select([self.wire.sock], [self.wire.sock], [], DEADLINE_S)
            if writable:
                flood = flood[self.wire.sock.send(flood[:65536], socket.MSG_DONTWAIT) :]
            elif readable:
                self.wire.fill()
        for i in range(count):
            kind, stream, _ = self.wire.take(lambda k, s, p: True)
            self.assertEqual((kind, stream), (RESPONSE, 1000 + i))


class Input(AgentTest):
    def feed(self, stream, data, step=60000):
        acked, limit = self.wire.take_window(stream, STDIN)
        at = 0
        while at < len(data):
            while limit == at:
                acked, limit = self.wire.take_window(stream, STDIN)
                self.assertLessEqual(limit - acked, HELD)
                self.assertLessEqual(acked, at)
            count = min(step, limit - at, len(data) - at)
            self.wire.data(stream, STDIN, at, data[at : at + count])
            at += count
        self.wire.eof(stream, STDIN, at)

    def test_ten_megabytes_through_sha256sum(self):
        data = os.urandom(10_000_000)
        stream = self.wire.start("cat | sha256sum", stdin=True)
        self.feed(stream, data)
        self.assertEqual(self.wire.collect(stream, STDOUT).split()[0].decode(), hashlib.sha256(data).hexdigest())
        self.assertEqual(self.wire.exit(stream)["exit_code"], 0)

    def test_a_command_that_does_not_read_stops_the_grant(self):
        stream = self.wire.start("read line; exec cat >/dev/null", stdin=True)
        acked, limit = self.wire.take_window(stream, STDIN)
        self.assertEqual((acked, limit), (0, HELD))
        self.wire.ask("signal", job=stream, signal="STOP", group=True)
        at = 0
        while at < limit:
            self.wire.data(stream, STDIN, at, bytes(65536 - 9)[: limit - at])
            at = min(at + 65536 - 9, limit)
        self.assertEqual(self.wire.ask("ping"), {"ok": True})
        acked = self.wire.ask("follow", job=stream)["stdin_acked"]
        self.assertLess(acked, HELD)
        self.wire.ask("signal", job=stream, signal="CONT", group=True)
        self.wire.eof(stream, STDIN, at)
        self.wire.take(lambda k, s, p: k == EXIT and s == stream)

    def test_input_after_the_command_closed_it_is_acknowledged(self):
        stream = self.wire.start("exec <&-; read x < /dev/null; echo closed; exec sleep 1000", stdin=True)
        self.wire.collect(stream, STDOUT, until=7)
        data = bytes(1_000_000)
        self.feed(stream, data)
        while self.wire.take_window(stream, STDIN)[0] < len(data):
            pass
        self.wire.ask("release", job=stream)

    def test_input_for_a_job_that_has_ended(self):
        stream = self.wire.start("true", stdin=True)
        self.wire.take_window(stream, STDIN)
        self.wire.exit(stream)
        self.wire.data(stream, STDIN, 0, b"late")
        self.assertEqual(self.wire.ask("follow", job=stream)["stdin_acked"], 4)

    def test_violations(self):
        for break_it in (
            lambda s: self.wire.data(s, STDIN, 1, b"gap"),
            lambda s: (self.wire.data(s, STDIN, 0, b"abc"), self.wire.data(s, STDIN, 2, b"overlap")),
            lambda s: [self.wire.data(s, STDIN, i * 60000, bytes(60000)) for i in range(200)],
            lambda s: self.wire.eof(s, STDIN, 1),
            lambda s: (self.wire.eof(s, STDIN, 0), self.wire.data(s, STDIN, 0, b"after")),
            lambda s: (self.wire.eof(s, STDIN, 0), self.wire.eof(s, STDIN, 0)),
            lambda s: self.wire.data(s, 3, 0, b"content"),
            lambda s: self.wire.data(s, STDIN, 2**64 - 1, b"wrap"),
        ):
            stream = self.wire.start("exec sleep 1000", stdin=True)
            self.wire.take_window(stream, STDIN)
            break_it(stream)
            self.assert_broken()
            self.wire.ask("release", job=stream)

    def test_a_job_without_stdin_takes_none(self):
        stream = self.wire.start("cat; exec sleep 1000")
        self.wire.data(stream, STDIN, 0, b"x")
        self.assert_broken()

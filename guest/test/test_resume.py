"""The state that survives a session, and the byte at which the next session continues."""

import os
import random

from agent import AgentTest, ListeningTest, is_alive, wait_until
from wire import ALL, DATA, EXIT, STDERR, STDIN, STDOUT, WINDOW


class Resume(ListeningTest):
    def test_output_continues_at_the_requested_offset(self):
        stream = self.wire.start("seq 1 200000", open_windows=False)
        whole = b"".join(b"%d\n" % i for i in range(1, 200001))
        got, chance = b"", random.Random(1)
        while len(got) < len(whole):
            self.wire.window(stream, STDOUT, len(got), len(got) + chance.randrange(1, 200_000))
            for _ in range(chance.randrange(1, 4)):
                if len(got) == len(whole):
                    break
                payload = self.wire.take(lambda k, s, p: k == DATA)[2]
                self.assertEqual(int.from_bytes(payload[1:9], "little"), len(got))
                got += payload[9:]
                self.wire.window(stream, STDOUT, len(got), len(got) + 100_000)
            self.reconnect()
            self.assertEqual(self.hello["jobs"], [stream])
        self.assertEqual(got, whole)
        self.wire.window(stream, STDOUT, len(got), len(got))
        self.assertEqual(self.wire.collect(stream, STDOUT, offset=len(got)), b"")

    def test_unacknowledged_output_is_sent_again(self):
        stream = self.wire.start("echo hello", open_windows=False)
        for _ in range(3):
            self.wire.window(stream, STDOUT, 0, ALL)
            self.assertEqual(self.wire.take(lambda k, s, p: k == DATA)[2][9:], b"hello\n")
            self.wire.exit(stream)
            self.reconnect()
        self.wire.window(stream, STDOUT, 2, ALL)  # sent by an earlier session: may be acknowledged by this one
        self.assertEqual(self.wire.collect(stream, STDOUT, offset=2), b"llo\n")
        self.reconnect()
        self.wire.window(stream, STDOUT, 0, ALL)  # that is gone
        self.assert_broken()

    def test_the_exit_is_sent_again_on_request(self):
        stream = self.wire.start("exit 9")
        first = self.wire.exit(stream)
        for ask in (
            lambda: self.wire.ask("follow", job=stream),
            lambda: self.wire.window(stream, STDOUT, 0, 0),
            lambda: self.wire.window(stream, STDERR, 0, 0),
        ):
            self.reconnect()
            self.assertTrue(self.wire.is_quiet())
            ask()
            self.assertEqual(self.wire.exit(stream), first)
            self.assertTrue(self.wire.is_quiet())

    def test_a_command_ends_while_no_host_is_connected(self):
        mark = os.path.join(self.folder, "done")
        stream = self.wire.start(f"read x; echo late; touch {mark}; exit 2", stdin=True)
        self.wire.take_window(stream, STDIN)
        self.wire.data(stream, STDIN, 0, b"\n")
        self.wire.close()
        wait_until(lambda: os.path.exists(mark) and not is_alive(self.wire.pid))
        self.reconnect()
        wait_until(lambda: self.wire.ask("follow", job=stream)["state"] == "exited")
        self.assertEqual(self.wire.exit(stream)["exit_code"], 2)
        self.wire.window(stream, STDOUT, 0, ALL)
        self.assertEqual(self.wire.collect(stream, STDOUT), b"late\n")

    def test_stdin_continues_where_it_was_acknowledged(self):
        stream = self.wire.start("cat | tr a-z A-Z", stdin=True)
        data = bytes(random.Random(2).choices(b"abcdefgh\n", k=2_000_000))
        at = shown = 0
        out = b""
        for _ in range(12):
            _, limit = self.wire.take_window(stream, STDIN)
            while at < min(limit, len(data)):
                step = data[at : min(at + 50_000, limit)]
                self.wire.data(stream, STDIN, at, step)
                at += len(step)
            self.reconnect()
            at = self.wire.ask("follow", job=stream)["stdin_acked"]
            self.wire.window(stream, STDOUT, len(out), ALL)
            if at > len(out):
                out += self.wire.collect(stream, STDOUT, offset=len(out), until=1)
        while at < len(data):
            acked, limit = self.wire.take_window(stream, STDIN)
            while at < min(limit, len(data)):
                step = data[at : min(at + 50_000, limit)]
                self.wire.data(stream, STDIN, at, step)
                at += len(step)
            if at < len(data) and len(out) < at - 400_000:
                out += self.wire.collect(stream, STDOUT, offset=len(out), until=100_000)
        self.wire.eof(stream, STDIN, at)
        out += self.wire.collect(stream, STDOUT, offset=len(out))
        self.assertEqual(out, data.upper())

    def test_eof_of_stdin_may_be_sent_again(self):
        stream = self.wire.start("cat; exec sleep 1000", stdin=True)
        self.wire.take_window(stream, STDIN)
        self.wire.data(stream, STDIN, 0, b"abc")
        self.wire.eof(stream, STDIN, 3)
        wait_until(lambda: self.wire.ask("follow", job=stream)["stdin_acked"] == 3)
        self.reconnect()
        self.assertEqual(self.wire.ask("follow", job=stream)["stdin_acked"], 3)
        self.assertEqual(self.wire.take_window(stream, STDIN), (3, 3 + 262144))
        self.wire.eof(stream, STDIN, 3)
        self.wire.window(stream, STDOUT, 0, ALL)
        self.assertEqual(self.wire.collect(stream, STDOUT, until=3), b"abc")
        self.wire.ask("release", job=stream)

    def test_transfers_end_with_the_session(self):
        target = os.path.join(self.workspace, ".pyro-staging", "a1", "tree", "new")
        stream = self.wire.post("stage", path=os.path.join(self.workspace, "new"), id="a1")
        self.wire.take_window(stream, 3)
        header = b'{"path":"f","type":"file","mode":420,"size":10}'
        self.wire.data(stream, 3, 0, len(header).to_bytes(4, "little") + header + b"12345")
        wait_until(lambda: os.listdir(target))
        self.reconnect()
        wait_until(lambda: not os.listdir(self.workspace))
        self.wire.data(stream, 3, 56, b"67890")
        self.assertTrue(self.wire.is_quiet())

    def test_jobs_die_with_the_agent(self):
        self.wire.start("sleep 1000 & exec sleep 1000")
        pid = self.wire.pid
        self.process.terminate()
        self.assertEqual(self.process.wait(60), 0)
        wait_until(lambda: not is_alive(pid))

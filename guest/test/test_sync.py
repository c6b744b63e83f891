"""Sessions: a sync record at any position, ignored bytes before it, tags."""

import os

from agent import AgentTest, ListeningTest
from wire import DATA, EXIT, HELLO, MAGIC, PAD, REQUEST, RESPONSE, STDOUT, WINDOW, Wire, connect


class Sync(AgentTest):
    def test_hello(self):
        self.assertEqual(self.hello["protocol"], 1)
        self.assertEqual(self.hello["agent"], "2.3.0")
        self.assertEqual(self.hello["mode"], "process")
        self.assertEqual(self.hello["woken"], False)
        self.assertEqual(self.hello["jobs"], [])
        self.assertTrue(self.hello["kernel"])

    def test_from_every_cut_of_a_small_frame(self):
        frame = self.wire.frame(REQUEST, 7, b'{"op":"ping","path":"/"}')
        for cut in range(len(frame) + 1):
            self.wire.send(self.wire.frame(REQUEST, 7, b'{"op":"ping","path":"/"}')[:cut])
            self.wire.sync()
            self.assertEqual(self.wire.ask("ping"), {"ok": True}, cut)

    def test_from_the_edges_of_the_longest_frame(self):
        body = b'{"op":"ping","x":"' + b"y" * 65516 + b'"}'
        self.assertEqual(len(body), 65536)
        edges = [*range(0, 20), 40000, *range(65552 - 20, 65553)]
        for cut in edges:
            self.wire.send(self.wire.frame(REQUEST, 7, body)[:cut])
            self.wire.sync()
            self.assertEqual(self.wire.ask("ping"), {"ok": True}, cut)

    def test_from_every_cut_of_the_sync_record(self):
        for cut in range(33):
            self.wire.send((PAD + MAGIC + os.urandom(16))[: 65552 + cut])
            self.wire.sync()
            self.assertEqual(self.wire.ask("ping"), {"ok": True}, cut)

    def test_frame_of_full_size_passes(self):
        stream = self.wire.new_stream()
        self.wire.send(self.wire.frame(REQUEST, stream, b'{"op":"ping","x":"' + b"y" * 65516 + b'"}'))
        self.assertEqual(self.wire.answer(stream), {"ok": True})

    def test_byte_by_byte(self):
        stream = self.wire.new_stream()
        for byte in self.wire.frame(REQUEST, stream, b'{"op":"ping"}'):
            self.wire.send(bytes([byte]))
        self.assertEqual(self.wire.answer(stream), {"ok": True})

    def test_broken_headers(self):
        send, frame = self.wire.send, self.wire.frame
        for make in (
            lambda: b"\x01\x00\x01\x00" + frame(REQUEST, 9, b"")[4:],  # length 65537
            lambda: frame(0, 9, b"{}"),
            lambda: frame(HELLO, 9, b"{}"),
            lambda: frame(RESPONSE, 9, b"{}"),
            lambda: frame(EXIT, 9, b"{}"),
            lambda: frame(8, 9, b"{}"),
            lambda: frame(255, 9, b"{}"),
            lambda: frame(REQUEST, 0, b'{"op":"ping"}'),
            lambda: frame(REQUEST, 9, b'{"op":"ping"}', zeros=b"\0\0\1"),
            lambda: frame(REQUEST, 9, b'{"op":"ping"}', zeros=b"\1\0\0"),
            lambda: frame(REQUEST, 9, b'{"op":"ping"}', tag=b"\0\0\0\0"),
            lambda: frame(DATA, 9, b"\0"),
            lambda: frame(DATA, 9, b"\1" + bytes(8)),  # stdout flows the other way
            lambda: frame(WINDOW, 9, b"\1" + bytes(15)),
            lambda: frame(WINDOW, 9, b"\0" + bytes(16)),
        ):
            send(make())
            self.assert_broken()

    def test_frames_of_an_earlier_session_are_ignored(self):
        old = self.wire.frame(REQUEST, 11, b'{"op":"ping"}')
        self.wire.sync()
        self.wire.send(old)
        self.assert_broken()

    def test_two_syncs_on_one_connection(self):
        first = b"\x02" * 16
        self.wire.send(PAD + MAGIC + first)
        self.wire.sync()
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_nonce_that_begins_with_zeros_is_ignored(self):
        self.wire.send(PAD + MAGIC + bytes(16))
        self.settle()
        self.wire.sync()
        self.assertEqual(self.wire.skipped, b"")
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_magic_among_false_starts(self):
        self.wire.send(PAD + MAGIC[:9] + MAGIC[:15] + b"\x89" * 50)
        self.wire.sync(pad=b"\x89PYRO")
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_magic_within_a_payload_is_payload(self):
        _, out, _ = self.wire.run(argv=["cat", "-"], env={"X": "y"})
        self.assertEqual(out, b"")
        stream = self.wire.start("cat", stdin=True)
        self.wire.data(stream, 0, 0, PAD[:60000] + MAGIC + b"\x03" * 16)
        self.assertEqual(self.wire.collect(stream, STDOUT, until=60032)[60000:], MAGIC + b"\x03" * 16)

    def test_sync_drops_what_was_queued(self):
        stream = self.wire.start("yes", open_windows=False)
        self.wire.window(stream, STDOUT, 0, 1 << 30)
        self.wire.take(lambda k, s, p: k == DATA)
        self.wire.sync()
        self.assertTrue(self.wire.is_quiet())
        self.assertEqual(self.wire.ask("release", job=stream), {"ok": True})


class Connections(ListeningTest):
    def test_socket_is_private(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_the_newest_replaces_the_one_before(self):
        old = self.reconnect(close=False)
        self.assertEqual(old.sock.recv(1), b"")
        old.close()
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

    def test_half_a_frame_does_not_reach_the_next_connection(self):
        frame = self.wire.frame(REQUEST, 7, b'{"op":"ping"}')
        for cut in range(len(frame)):
            self.wire.send(frame[:cut])
            self.reconnect()
            self.assertEqual(self.wire.ask("ping"), {"ok": True}, cut)

    def test_a_peer_that_sends_only_rubbish(self):
        other = Wire(connect(self.path))
        other.send(b"GET / HTTP/1.1\r\n\r\n" * 1000)
        other.close()
        self.reconnect()
        self.assertEqual(self.wire.ask("ping"), {"ok": True})

"""Connections to ports of the guest's loopback."""

import os
import socket

from agent import AgentTest, wait_until
from wire import ALL, DATA, STDIN, STDOUT

HELD = 262_144


class Dial(AgentTest):
    def listen(self, family=socket.AF_INET, host="127.0.0.1"):
        server = socket.socket(family)
        self.addCleanup(server.close)
        server.bind((host, 0))
        server.listen()
        return server, server.getsockname()[1]

    def dial(self, port):
        stream = self.wire.post("dial", port=port)
        self.wire.window(stream, STDOUT, 0, ALL)
        return stream

    def connected(self, family=socket.AF_INET, host="127.0.0.1"):
        server, port = self.listen(family, host)
        stream = self.dial(port)
        peer, _ = server.accept()
        self.addCleanup(peer.close)
        self.wire.take_window(stream, STDIN)
        return stream, peer

    def test_both_directions_carry_bytes_and_end(self):
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            stream, peer = self.connected(family, host)
            self.wire.data(stream, STDIN, 0, b"question")
            self.wire.eof(stream, STDIN, 8)
            self.assertEqual(peer.makefile("rb").read(), b"question")
            answer = os.urandom(1_000_000)
            peer.settimeout(60)
            # More than the agent buffers: the test must read meanwhile.
            sender = os.fork()
            if sender == 0:
                peer.sendall(answer)
                os._exit(0)
            peer.close()
            self.assertEqual(self.wire.collect(stream, STDOUT), answer)
            os.waitpid(sender, 0)
            self.assertEqual(self.wire.answer(stream), {"ok": True})

    def test_failures(self):
        server, port = self.listen()
        server.close()
        self.assertEqual(self.wire.answer(self.dial(port))["error"]["errno"], "ECONNREFUSED")
        for port in (0, 65_536, -1, "80", None):
            self.assertEqual(self.wire.ask("dial", port=port)["error"]["code"], "BAD_REQUEST")
        stream, peer = self.connected()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        self.assertEqual(self.wire.answer(stream)["error"]["errno"], "ECONNRESET")

    def test_a_cancel_or_a_new_session_closes_connections(self):
        stream, peer = self.connected()
        self.assertTrue(self.wire.ask("cancel", transfer=stream)["ok"])
        self.assertEqual(self.wire.answer(stream)["error"]["code"], "CANCELLED")
        self.assertEqual(peer.recv(1), b"")
        _, peer = self.connected()
        self.wire.sync()
        self.assertEqual(peer.recv(1), b"")

    def test_a_host_that_does_not_read_stops_the_guest(self):
        server, port = self.listen()
        stream = self.wire.post("dial", port=port)
        peer, _ = server.accept()
        self.addCleanup(peer.close)
        self.wire.window(stream, STDOUT, 0, 0)
        peer.setblocking(False)
        sent = 0

        def is_full():
            nonlocal sent
            try:
                sent += peer.send(bytes(65_536))
            except BlockingIOError:
                return self.wire.is_quiet()
            return False

        wait_until(is_full)
        self.assertLess(sent, 32 << 20)
        self.wire.window(stream, STDOUT, 0, HELD)
        self.wire.take(lambda kind, on, payload: kind == DATA and on == stream)

    def test_a_broken_window_ends_the_session(self):
        stream, _ = self.connected()
        self.wire.window(stream, STDOUT, 5, ALL)
        self.wire.sync()

    def test_the_limit_of_connections(self):
        server, port = self.listen()
        server.listen(300)
        for _ in range(256):
            self.wire.post("dial", port=port)
        self.assertEqual(self.wire.ask("dial", port=port)["error"]["code"], "TOO_MANY_JOBS")

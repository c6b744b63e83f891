"""Requests besides commands and files: wake, stat, sync, poweroff."""

import os

from agent import AgentTest, is_alive, wait_until


NETWORK = {
    "mac": "02:70:79:00:00:01",
    "mtu": 65520,
    "address4": "198.18.0.2",
    "prefix4": 28,
    "gateway4": "198.18.0.1",
    "resolvers": ["198.18.0.3"],
}
NETWORK6 = {"address6": "fd00::2", "prefix6": 64, "gateway6": "fd00::1"}


class Requests(AgentTest):
    def test_sync_and_poweroff(self):
        self.assertEqual(self.wire.ask("sync"), {"ok": True})
        stream = self.wire.start("exec sleep 1000")
        self.assertEqual(self.wire.ask("poweroff"), {"ok": True})
        self.assertEqual(self.process.wait(60), 0)
        wait_until(lambda: not is_alive(self.wire.pid))

    def test_wake(self):
        good = {"entropy": "A" * 44, "time_s": 1, "time_ns": 2, "hostname": "a-1.b", "machine_id": "0123456789abcdef" * 2}
        for name, bad in (
            ("entropy", ["", "A" * 43, "A" * 40, "A" * 348, "!" * 44, "A" * 43 + "\0", None, "=" * 44]),
            ("time_s", [-1, "1", 1.5, 2**63, None]),
            ("time_ns", [-1, 1_000_000_000, None]),
            ("hostname", ["", "a" * 64, "a b", "-a", ".a", "a/b", "é", None]),
            ("machine_id", ["", "0" * 31, "0" * 33, "g" * 32, "A" * 32, None]),
        ):
            for value in bad:
                with self.subTest((name, value)):
                    self.assert_error(self.wire.ask("wake", **(good | {name: value})), "BAD_REQUEST")
            self.assert_error(self.wire.ask("wake", **{k: v for k, v in good.items() if k != name}), "BAD_REQUEST")
        for change in (
            {"mac": "02:00:00:00:00"},
            {"mac": "02:00:00:00:00:0g"},
            {"mtu": 1279},
            {"mtu": "1500"},
            {"address4": "198.18.0"},
            {"gateway4": "fd00::1"},
            {"prefix4": 33},
            {"prefix4": 0},
            {"address6": "fd00::2"},
            {"address6": "fd00::2", "prefix6": 64, "gateway6": "198.18.0.1"},
            {"resolvers": "198.18.0.3"},
            {"resolvers": ["198.18.0.3"] * 4},
            {"resolvers": ["resolver"]},
            {"resolvers": None},
        ):
            with self.subTest(change):
                self.assert_error(self.wire.ask("wake", **good, network=NETWORK | change), "BAD_REQUEST")
        self.assert_error(self.wire.ask("wake", **good, network="on"), "BAD_REQUEST")
        self.assertFalse(self.wire.sync()["woken"])
        # As a plain process the agent leaves the machine's network alone.
        self.assertEqual(self.wire.ask("wake", **good, network=NETWORK | NETWORK6), {"ok": True})
        self.assertEqual(self.wire.ask("wake", **good), {"ok": True})
        unnamed = {name: value for name, value in good.items() if name not in ("hostname", "machine_id")}
        self.assertEqual(self.wire.ask("wake", **unnamed), {"ok": True})
        self.assertTrue(self.wire.sync()["woken"])
        self.assertEqual(self.wire.ask("freeze"), {"ok": True})
        self.assertFalse(self.wire.sync()["woken"])

    def test_stat(self):
        path = os.path.join(self.folder, "f")
        with open(path, "w") as file:
            file.write("12345")
        os.chmod(path, 0o4751)
        os.utime(path, ns=(0, 1_234_567_890_123_456_789))
        answer = self.wire.ask("stat", path=path)
        self.assertEqual((answer["type"], answer["mode"], answer["size"]), ("file", 0o4751, 5))
        self.assertEqual((answer["mtime_s"], answer["mtime_ns"]), (1_234_567_890, 123_456_789))
        self.assertGreater(answer["free_bytes"], 0)
        self.assertGreater(answer["free_inodes"], 0)
        os.symlink("nowhere/é", path + "l")
        answer = self.wire.ask("stat", path=path + "l")
        self.assertEqual((answer["type"], answer["target"]), ("symlink", "nowhere/é"))
        self.assertEqual(self.wire.ask("stat", path="/")["type"], "directory")
        self.assertEqual(self.wire.ask("stat", path="/dev/null")["type"], "other")
        self.assert_error(self.wire.ask("stat", path="/nope/nope"), "IO", errno="ENOENT", path="/nope/nope")
        for path in ("", "relative", "/" * 5000, "/a\0b", 1, None):
            self.assert_error(self.wire.ask("stat", path=path), "BAD_REQUEST")

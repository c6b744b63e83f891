"""Listing a tree: order, limits, cursors, digests."""

import base64
import hashlib
import json
import mmap
import os
import random
import struct
import time

import agent
from agent import wait_until
from files import FilesTest, parse_records
from wire import ALL, CONTENT, DATA, RESPONSE

CALM_S = 0.4  # what the agent wants to pass before it keeps a digest, with the lag of a busy host's coarse clock


def parse(content):
    """{path as bytes: header} in the order sent; no content follows these records."""
    found, at = {}, 0
    while at < len(content):
        length = struct.unpack_from("<I", content, at)[0]
        header = json.loads(content[at + 4 : at + 4 + length])
        path = base64.b64decode(header["path_base64"]) if "path_base64" in header else header["path"].encode()
        assert path not in found, path
        found[path] = header
        at += 4 + length
    return found


class ListTest(FilesTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.target)

    def put(self, name, content=b""):
        path = os.path.join(os.fsencode(self.target), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def list(self, path=None, **fields):
        answer, content = self.receive("list", path=path or self.target, **fields)
        self.assertTrue(answer["ok"], answer)
        found = parse(content)
        self.assertEqual(answer["entries"], len(found))
        self.more = answer["more"]
        return found

    def names(self, **fields):
        return list(self.list(**fields))


class List(ListTest):
    def test_every_kind_of_entry(self):
        self.put("f", b"abc")
        os.chmod(self.at("f"), 0o4751)
        os.utime(self.at("f"), ns=(0, 1_600_000_000_000_000_007))
        os.mkdir(self.at("d"))
        os.symlink("nowhere", self.at("l"))
        os.mkfifo(self.at("p"))
        found = self.list()
        self.assertEqual(list(found), [b".", b"d", b"f", b"l", b"p"])
        self.assertEqual([entry["type"] for entry in found.values()], ["directory", "directory", "file", "symlink", "other"])
        entry = found[b"f"]
        self.assertEqual((entry["mode"], entry["size"], entry["mtime_s"], entry["mtime_ns"]), (0o4751, 3, 1_600_000_000, 7))
        self.assertEqual((entry["uid"], entry["gid"]), (os.getuid(), os.stat(self.at("f")).st_gid))
        self.assertEqual(found[b"l"]["target"], "nowhere")
        self.assertNotIn("sha256", entry)

    def test_depth(self):
        self.put("a/b/c/d")
        self.assertEqual(self.names(depth=0), [b"."])
        self.assertEqual(self.names(depth=1), [b".", b"a"])
        self.assertEqual(self.names(depth=3), [b".", b"a", b"a/b", b"a/b/c"])
        self.assertEqual(self.names()[-1], b"a/b/c/d")

    def test_one_file_and_links_to_it(self):
        self.put("f", b"abc")
        os.symlink("f", self.at("l"))
        for name in ("f", "l"):
            found = self.list(path=self.at(name))
            self.assertEqual((list(found), found[b"."]["type"], found[b"."]["size"]), ([b"."], "file", 3))

    def test_links_in_the_tree_are_not_followed(self):
        os.symlink("/", self.at("root"))
        self.assertEqual(self.names(), [b".", b"root"])

    def test_failures(self):
        for path, errno in (("/nope", "ENOENT"), (self.put("f").decode() + "/x", "ENOTDIR")):
            self.assert_error(self.receive("list", path=path)[0], "IO", errno=errno, path=path)
        for fields in ({"path": "x"}, {"path": "/", "depth": -1}, {"path": "/", "limit": "1"}, {"path": "/", "after": ""}):
            self.assert_error(self.wire.ask("list", **fields), "BAD_REQUEST")

    def test_names_that_are_not_utf8_or_long(self):
        self.put(b"raw\xff\xfe")
        self.put("\x01" * 250 + "/" + "\x02" * 250)
        self.assertEqual(self.names(), [b".", b"\x01" * 250, b"\x01" * 250 + b"/" + b"\x02" * 250, b"raw\xff\xfe"])

    def test_a_tree_that_is_too_deep(self):
        os.makedirs(self.at(*["d"] * 256))
        self.assert_error(self.receive("list", path=self.target)[0], "IO", errno="ENAMETOOLONG")

    def test_pages_of_any_size_make_the_same_list(self):
        names = ["a", "a.txt", "a/b", "a/b.c", "a-b/c", "b/a", "b/b/b", "c"]
        for name in names:
            if name != "a":
                self.put(name)
        whole = self.names()
        for size in (1, 2, 3, 5):
            told, after = [], {}
            while True:
                page = self.names(limit=size, **after)
                told += page
                if not self.more:
                    break
                self.assertEqual(len(page), size)
                after = {"after": page[-1].decode()}
            self.assertEqual(told, whole)

    def test_a_cursor_whose_entry_was_removed(self):
        for name in ("a/x", "b/y", "c"):
            self.put(name)
        self.assertEqual(self.names(after="a/zz"), [b"b", b"b/y", b"c"])
        self.assertEqual(self.names(after="aa/x"), [b"b", b"b/y", b"c"])
        self.assertEqual(self.names(after="c/gone/more"), [])
        self.assertEqual(self.names(after="b"), [b"b/y", b"c"])

    def test_random_trees_and_cursors(self):
        choice = random.Random(7)
        parts = ["a", "b", "a-", "a.", "ab", "é", "\x01"]
        for _ in range(60):
            path = "/".join(choice.choice(parts) for _ in range(choice.randint(1, 4)))
            try:
                self.put(path)
            except (IsADirectoryError, NotADirectoryError, FileExistsError):
                pass
        whole = self.names()[1:]
        self.assertEqual(whole, sorted(whole, key=lambda path: path.split(b"/")))
        for _ in range(60):
            after = "/".join(choice.choice(parts) for _ in range(choice.randint(1, 4)))
            key = after.encode().split(b"/")
            self.assertEqual(self.names(after=after), [path for path in whole if path.split(b"/") > key], after)

    def test_unfinished_files_are_not_listed(self):
        stream = self.wire.post("write", path=self.at("new"))
        self.wire.take_window(stream, CONTENT)
        self.assertEqual(len(os.listdir(self.target)), 1)
        self.assertEqual(self.names(), [b"."])

    def test_ten_thousand_entries_and_a_cancel(self):
        for number in range(10_000):
            self.put(f"{number:05}")
        self.assertEqual(len(self.list()), 10_001)
        stream = self.wire.post("list", path=self.target)
        self.wire.window(stream, CONTENT, 0, 1000)
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.answer(stream), "CANCELLED")


class Digests(ListTest):
    def digest(self, name, **fields):
        return self.list(digests=True, **fields)[name.encode()].get("sha256")

    def assert_digest(self, name, content):
        self.assertEqual(self.digest(name), hashlib.sha256(content).hexdigest())

    def test_sizes_around_every_edge(self):
        sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 16383, 16384, 16385, 300_000]
        contents = {f"{size}": os.urandom(size) for size in sizes}
        for name, content in contents.items():
            self.put(name, content)
        found = self.list(digests=True)
        for name, content in contents.items():
            self.assertEqual(found[name.encode()]["sha256"], hashlib.sha256(content).hexdigest(), name)
        self.assertNotIn("sha256", found[b"."])

    def reads(self):
        with open(f"/proc/{self.process.pid}/io") as file:
            return int(dict(line.split(": ") for line in file)["rchar"])

    def test_an_unchanged_file_is_not_read_again(self):
        self.put("f", bytes(5_000_000))
        time.sleep(CALM_S)
        self.assert_digest("f", bytes(5_000_000))
        before = self.reads()
        self.assert_digest("f", bytes(5_000_000))
        self.assertLess(self.reads() - before, 1_000_000)

    def test_each_change_is_seen(self):
        path = self.put("f", b"one")
        changes = [
            lambda: self.put("f", b"two"),
            lambda: (self.put("f", b"six"), os.utime(path, (1, 1))),
            lambda: (self.put("g", b"ten"), os.rename(self.at("g"), path)),
        ]
        for content, change in zip((b"two", b"six", b"ten"), changes):
            time.sleep(CALM_S)
            self.digest("f")
            stat = os.stat(path)
            change()
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            self.assert_digest("f", content)

    def test_long_files_are_hashed_only_when_asked_for(self):
        self.put("f", b"12345")
        self.put("g", b"123")
        time.sleep(CALM_S)
        self.assertIsNone(self.digest("f", hash_bytes=4))
        self.assertIsNotNone(self.digest("g", hash_bytes=4))
        self.assert_digest("f", b"12345")
        self.assertIsNotNone(self.digest("f", hash_bytes=4))
        self.assert_error(self.receive("list", path=self.target, digests=True, hash_bytes=-1)[0], "BAD_REQUEST")

    def test_brief_entries(self):
        self.put("f", b"12345")
        entry = self.list(digests=True, brief=True)[b"f"]
        self.assertEqual(set(entry), {"path", "type", "mode", "size", "sha256"})

    def stamp(self, name):
        answer, content = self.receive("fetch", path=self.target, paths=[name], steady=True)
        self.assertTrue(answer["ok"], answer)
        return parse_records(content)[name.encode()][0].get("stamp")

    def learn(self, stamp, digest="ab" * 32):
        return self.wire.ask("learn", files=[{"stamp": stamp, "sha256": digest}])

    def test_a_digest_that_the_host_has_computed_is_kept(self):
        self.put("f", b"12345")
        self.assertIsNone(self.stamp("f"))
        time.sleep(CALM_S)
        stamp = self.stamp("f")
        self.assertEqual(self.learn(stamp), {"ok": True})
        # Not that of the content: the agent has not read it.
        self.assertEqual(self.digest("f", hash_bytes=0), "ab" * 32)
        self.put("f", b"67890")
        self.assertIsNone(self.digest("f", hash_bytes=0))
        self.learn(stamp)
        self.assert_digest("f", b"67890")

    def test_a_mapped_file_has_no_stamp(self):
        path = self.put("f", bytes(4096))
        time.sleep(CALM_S)
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096):
            self.assertIsNone(self.stamp("f"))
        self.assertIsNotNone(self.stamp("f"))

    def test_what_is_not_a_stamp_is_refused(self):
        self.put("f", b"12345")
        time.sleep(CALM_S)
        stamp = self.stamp("f")
        for wrong in ("", "1:2", "x" * 300, stamp[: stamp.index(":")]):
            self.assert_error(self.learn(wrong), "BAD_REQUEST")
        for digest in ("", "ab" * 31, "AB" * 32, "ab" * 33):
            self.assert_error(self.learn(stamp, digest), "BAD_REQUEST")
        for files in (None, 1, [1], [{}], {"stamp": stamp}):
            self.assert_error(self.wire.ask("learn", files=files), "BAD_REQUEST")

    def test_a_file_that_changes_while_it_is_fetched_steadily(self):
        path = self.put("f", bytes(2_000_000))
        stream = self.wire.post("fetch", path=self.target, paths=["f"], steady=True)
        self.wire.window(stream, CONTENT, 0, 1)
        self.wire.take(lambda k, s, p: s == stream and k == DATA)
        with open(path, "r+b") as file:
            file.write(b"changed")
        at = 1
        while True:
            self.wire.window(stream, CONTENT, at, ALL)
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                break
            at += len(payload) - 9
        self.assert_error(json.loads(payload), "IO", errno="ESTALE", path="f")

    def test_a_digest_of_a_file_that_has_just_changed_is_not_kept(self):
        for number in range(50):
            content = b"%04d" % number
            self.put("f", content)
            self.assert_digest("f", content)

    def test_more_files_than_the_first_table_holds(self):
        contents = {f"{number}": b"%d" % number for number in range(3000)}
        for name, content in contents.items():
            self.put(name, content)
        time.sleep(CALM_S)
        for _ in range(2):
            found = self.list(digests=True)
            for name, content in contents.items():
                self.assertEqual(found[name.encode()]["sha256"], hashlib.sha256(content).hexdigest())

    def test_a_file_that_is_written_all_the_time_has_no_digest(self):
        path = self.put("f", bytes(4_000_000))
        writer = self.wire.start(f"while :; do echo x >> {path.decode()}; done")
        wait_until(lambda: os.stat(path).st_size > 4_000_000)
        self.assertIsNone(self.digest("f"))
        self.wire.ask("signal", job=writer, signal="KILL", group=True, all=True)

    def test_special_files_are_not_opened(self):
        os.mkfifo(self.at("p"))
        self.assertNotIn("sha256", self.list(digests=True)[b"p"])

    def test_a_write_through_a_mapping_is_seen(self):
        path = self.put("f", b"a" * 4096)
        with open(path, "r+b") as file, mmap.mmap(file.fileno(), 4096) as mapping:
            for byte in b"bcd":
                mapping[0] = byte
                time.sleep(CALM_S)
                self.assert_digest("f", bytes([byte]) + b"a" * 4095)


class SlowClock(ListTest):
    """A busy host, on which the clock of file systems lags."""

    def setUp(self):
        known, agent.BINARY = agent.BINARY, "build/pyro-agent-fails"
        agent.ENVIRONMENT["PYRO_SLOW_CLOCK"] = "1"
        try:
            super().setUp()
        finally:
            agent.BINARY = known
            del agent.ENVIRONMENT["PYRO_SLOW_CLOCK"]

    def test_a_file_that_changes_within_one_tick_of_the_clock_gets_its_new_digest(self):
        tick = time.time()
        wait_until(lambda: int(time.time()) > int(tick))
        self.put("f", b"one")
        time.sleep(CALM_S)
        for content in (b"one", b"two", b"six"):
            self.put("f", content)
            self.assertEqual(self.list(digests=True)[b"f"]["sha256"], hashlib.sha256(content).hexdigest())

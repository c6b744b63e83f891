"""Reading and writing one file: ranges, replacement, and entries that are not regular files."""

import base64
import hashlib
import os
import stat

from agent import wait_until
from files import FilesTest
from wire import ALL, CONTENT, DATA


class FileTest(FilesTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.target)

    def put(self, name, content=b""):
        with open(self.at(name), "wb") as file:
            file.write(content)

    def content(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def read(self, name, **fields):
        return self.receive("read", path=self.at(name), **fields)

    def write(self, name, content=b"", **fields):
        return self.send("write", content, path=self.at(name), **fields)[1]


class Read(FileTest):
    def test_ranges(self):
        content = os.urandom(700_000)
        self.put("f", content)
        os.chmod(self.at("f"), 0o640)
        os.utime(self.at("f"), ns=(0, 5_000_000_007))
        facts = {"size": 700_000, "mode": 0o640, "mtime_s": 5, "mtime_ns": 7}
        for offset, length in ((0, None), (0, 0), (0, 1), (1, 65_536), (699_999, 10), (700_000, 10), (900_000, 1)):
            fields = {"offset": offset} | ({} if length is None else {"length": length})
            answer, got = self.read("f", **fields)
            want = content[offset:] if length is None else content[offset : offset + length]
            self.assertEqual(answer, {"ok": True, "bytes": len(want), **facts}, (offset, length))
            self.assertEqual(got, want)

    def test_links_are_followed(self):
        self.put("f", b"abc")
        os.symlink("f", self.at("l"))
        self.assertEqual(self.read("l")[1], b"abc")

    def test_a_name_that_is_not_utf8(self):
        path = os.fsencode(self.at("")) + b"\xff"
        with open(path, "wb") as file:
            file.write(b"raw")
        self.assertEqual(self.receive("read", path_base64=base64.b64encode(path).decode())[1], b"raw")

    def test_special_files_are_refused_at_once(self):
        os.mkfifo(self.at("fifo"))
        os.symlink("loop", self.at("loop"))
        for name, errno in (("", "EISDIR"), ("fifo", "EOPNOTSUPP"), ("loop", "ELOOP"), ("gone", "ENOENT"), ("x" * 256, "ENAMETOOLONG")):
            self.assert_error(self.read(name)[0], "IO", errno=errno)
        self.assert_error(self.receive("read", path="/dev/zero")[0], "IO", errno="EOPNOTSUPP")
        for fields in ({"path": "f"}, {"path": "/f", "offset": -1}, {"path": "/f", "length": "1"}, {}):
            self.assert_error(self.wire.ask("read", **fields), "BAD_REQUEST")

    def test_a_file_of_the_kernel_has_no_size(self):
        answer, got = self.receive("read", path="/proc/self/status")
        self.assertEqual(answer["size"], 0)
        self.assertIn(b"pyro-agent", got)

    def test_a_file_that_grows_is_read_to_its_first_size(self):
        self.put("f", bytes(1_000_000))
        stream = self.wire.post("read", path=self.at("f"))
        self.wire.window(stream, CONTENT, 0, 1)
        self.wire.take(lambda k, s, p: k == DATA)
        with open(self.at("f"), "ab") as file:
            file.write(bytes(1_000_000))
        self.wire.window(stream, CONTENT, 1, ALL)
        self.assertEqual(1 + len(self.wire.collect(stream, CONTENT, 1)), 1_000_000)

    def test_a_file_that_shrinks_ends_early(self):
        self.put("f", bytes(1_000_000))
        stream = self.wire.post("read", path=self.at("f"))
        self.wire.window(stream, CONTENT, 0, 1)
        self.wire.take(lambda k, s, p: k == DATA)
        os.truncate(self.at("f"), 10)
        self.wire.window(stream, CONTENT, 1, ALL)
        got = 1 + len(self.wire.collect(stream, CONTENT, 1))
        self.assertLess(got, 1_000_000)
        self.assertEqual(self.wire.answer(stream)["bytes"], got)


class Write(FileTest):
    def test_a_new_file_and_its_directories(self):
        content = os.urandom(5_000_000)
        self.assertEqual(self.write("a/b/f", content), {"ok": True, "bytes": 5_000_000, "created": True})
        self.assertEqual(self.content("a/b/f"), content)
        self.assertEqual(stat.S_IMODE(os.stat(self.at("a/b/f")).st_mode), 0o644)
        self.assertEqual(os.listdir(self.at("a/b")), ["f"])

    def test_a_replacement_keeps_mode_and_takes_a_given_one(self):
        self.put("f", b"old")
        os.chmod(self.at("f"), 0o4750)
        self.assertEqual(self.write("f", b"new"), {"ok": True, "bytes": 3, "created": False})
        self.assertEqual(stat.S_IMODE(os.stat(self.at("f")).st_mode), 0o750)
        self.write("f", b"newer", mode=0o600)
        self.assertEqual((self.content("f"), stat.S_IMODE(os.stat(self.at("f")).st_mode)), (b"newer", 0o600))

    def test_a_replacement_is_atomic(self):
        self.put("f", b"old")
        stream = self.wire.post("write", path=self.at("f"))
        self.wire.take_window(stream, CONTENT)
        self.wire.data(stream, CONTENT, 0, b"half")
        self.settle()
        self.assertEqual(self.content("f"), b"old")
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.answer(stream), "CANCELLED")
        self.assertEqual((self.content("f"), os.listdir(self.target)), (b"old", ["f"]))

    def test_the_end_of_a_session_ends_it(self):
        stream = self.wire.post("write", path=self.at("f"))
        self.wire.take_window(stream, CONTENT)
        self.wire.sync()
        wait_until(lambda: os.listdir(self.target) == [])

    def test_append(self):
        self.assertEqual(self.write("f", b"one", append=True), {"ok": True, "bytes": 3, "created": True})
        os.chmod(self.at("f"), 0o600)
        inode = os.stat(self.at("f")).st_ino
        self.assertEqual(self.write("f", b"two", append=True), {"ok": True, "bytes": 3, "created": False})
        after = os.stat(self.at("f"))
        self.assertEqual((self.content("f"), after.st_ino, stat.S_IMODE(after.st_mode)), (b"onetwo", inode, 0o600))

    def test_a_link_stays_and_its_target_is_written(self):
        self.put("f", b"old")
        os.mkdir(self.at("d"))
        for link, target in (("l", "f"), ("d/up", "../f"), ("abs", self.at("f")), ("twice", "l")):
            os.symlink(target, self.at(link))
            self.write(link, link.encode())
            self.assertEqual((self.content("f"), os.path.islink(self.at(link))), (link.encode(), True))
        os.symlink("made/here", self.at("dangling"))
        self.assertTrue(self.write("dangling", b"x")["created"])
        self.assertEqual(self.content("made/here"), b"x")

    def test_a_file_is_replaced_only_if_it_has_the_given_digest(self):
        self.put("f", b"old")
        old = hashlib.sha256(b"old").hexdigest()
        self.put("other", b"else")
        self.assertTrue(self.write("f", b"new", replaces=old)["ok"])
        for name in ("f", "other", "missing"):
            self.assert_error(self.write(name, b"again", replaces=old), "IO", errno="ESTALE")
        self.assertEqual((self.content("f"), self.content("other"), sorted(os.listdir(self.target))), (b"new", b"else", ["f", "other"]))

    def test_the_digest_is_checked_after_all_content_has_arrived(self):
        self.put("f", b"old")
        stream = self.wire.post("write", path=self.at("f"), replaces=hashlib.sha256(b"old").hexdigest())
        self.wire.take_window(stream, CONTENT)
        self.put("f", b"meanwhile")
        self.wire.eof(stream, CONTENT, 0)
        self.assert_error(self.wire.answer(stream), "IO", errno="ESTALE")
        self.assertEqual(self.content("f"), b"meanwhile")

    def test_special_files_are_refused(self):
        os.mkfifo(self.at("fifo"))
        os.symlink("loop", self.at("loop"))
        self.put("file")
        cases = (("", "EISDIR"), ("fifo", "EOPNOTSUPP"), ("loop", "ELOOP"), ("file/x", "ENOTDIR"), ("x" * 256, "ENAMETOOLONG"), ("..", "EISDIR"))
        for name, errno in cases:
            for append in (False, True):
                self.assert_error(self.write(name, b"x", append=append), "IO", errno=errno)
        self.assertEqual(sorted(os.listdir(self.target)), ["fifo", "file", "loop"])
        for fields in ({"path": "f"}, {"path": "/f", "mode": 0o1000}, {"path": "/f", "replaces": "0" * 63}, {"path": "/f", "replaces": "0" * 64, "append": True}):
            self.assert_error(self.wire.ask("write", **fields), "BAD_REQUEST")

    def test_violations(self):
        for break_it in (
            lambda s: self.wire.window(s, CONTENT, 0, 2),
            lambda s: self.wire.data(s, CONTENT, 1, b"x"),
            lambda s: self.wire.data(s, 0, 0, b"x"),
        ):
            stream = self.wire.post("write", path=self.at("f"))
            self.wire.take_window(stream, CONTENT)
            break_it(stream)
            self.assert_broken()
        self.assertEqual(os.listdir(self.target), [])

    def test_the_limit_of_writes(self):
        streams = [self.wire.post("write", path=self.at(f"{number}")) for number in range(16)]
        for op in ("write", "read", "list", "remove", "fetch", "get"):
            self.assert_error(self.wire.ask(op, path=self.target, paths=[]), "TOO_MANY_JOBS")
        for number, stream in enumerate(streams):
            self.wire.take_window(stream, CONTENT)
            self.wire.eof(stream, CONTENT, 0)
            self.assertTrue(self.wire.answer(stream)["ok"])
        self.assertEqual(len(os.listdir(self.target)), 16)

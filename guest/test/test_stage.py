"""Files in: what arrives, what is refused, what is left behind."""

import os
import shutil
import struct

from agent import wait_until
from files import GRANTED, FilesTest, Walking, parse_records, raw, record
from wire import CONTENT


class Stage(FilesTest):
    def test_a_window_acknowledges_written_entries(self):
        stream = self.wire.post("stage", path=self.target, id="a")
        self.assertEqual(self.wire.take_window(stream, CONTENT), (0, GRANTED))
        content = b"".join(record(f"f{number}") for number in range(64))
        self.wire.data(stream, CONTENT, 0, content)
        self.assertEqual(self.wire.take_window(stream, CONTENT), (len(content), len(content) + GRANTED))
        self.assertEqual(len(os.listdir(os.path.join(self.workspace, ".pyro-staging", "a", "tree", "target"))), 64)

    def test_every_kind_of_entry(self):
        content = (
            record("d", "directory", mode=0o750, mtime_s=5)
            + record("d/a", content=b"hello", mode=0o751, mtime_s=-5, mtime_ns=999_999_999)
            + record("deep/er/still/f", content=b"x")
            + record("empty")
            + record("l", "symlink", target="../anywhere/é")
            + record("h", "hardlink", target="d/a")
            + record(b"raw\xff", content=b"raw")
        )
        self.assertEqual(self.push(content), {"ok": True, "entries": 7, "bytes": 9, "unchanged": 0})
        with open(self.at("d", "a"), "rb") as file:
            self.assertEqual(file.read(), b"hello")
        entry = os.stat(self.at("d", "a"))
        self.assertEqual((entry.st_mode & 0o7777, entry.st_mtime_ns), (0o751, -5 * 10**9 + 999_999_999))
        self.assertEqual(os.stat(self.at("d")).st_mode & 0o7777, 0o750)
        self.assertEqual(os.stat(self.at("deep", "er")).st_mode & 0o7777, 0o755)
        self.assertEqual(os.readlink(self.at("l")), "../anywhere/é")
        self.assertEqual(os.lstat(self.at("l")).st_mtime_ns, 1_600_000_000_000_000_005)
        self.assertTrue(os.path.samefile(self.at("h"), self.at("d", "a")))
        self.assertEqual(os.path.getsize(os.fsencode(self.target) + b"/raw\xff"), 3)
        self.assert_nothing_staged()

    def test_an_empty_stage(self):
        self.assertEqual(self.push(b"", path=self.at("a", "b")), {"ok": True, "entries": 0, "bytes": 0, "unchanged": 0})
        self.assertTrue(os.path.isdir(self.at("a", "b")))

    def test_in_pieces_of_every_size(self):
        content = record("a", content=b"one") + record("b") + record("c", "symlink", target="t") + record("e", content=b"five")
        for step in (1, 2, 3, 5, 7, 64, 100):
            shutil.rmtree(self.target, ignore_errors=True)
            self.assertEqual(self.push(content, step=step), {"ok": True, "entries": 4, "bytes": 7, "unchanged": 0})
            self.assertEqual(sorted(os.listdir(self.target)), ["a", "b", "c", "e"])

    def test_big_and_many(self):
        big = os.urandom(3_000_000)
        many = b"".join(record(f"many/{i}", content=b"%d" % i) for i in range(2000))
        answer = self.push(record("big", content=big) + many)
        self.assertEqual(answer["entries"], 2001)
        with open(self.at("big"), "rb") as file:
            self.assertEqual(file.read(), big)
        self.assertEqual(len(os.listdir(self.at("many"))), 2000)

    def test_special_bits_are_dropped(self):
        self.push(record("f", mode=0o107777) + record("d", "directory", mode=0o47777))
        self.assertEqual(os.stat(self.at("f")).st_mode & 0o7777, 0o777)
        self.assertEqual(os.stat(self.at("d")).st_mode & 0o7777, 0o777)

    def test_entries_are_replaced(self):
        self.push(record("f", content=b"old") + record("g", content=b"g") + record("l", "symlink", target="f"))
        old = open(self.at("f"), "rb")
        answer = self.push(record("f", content=b"new") + record("l", content=b"file") + record("g", "hardlink", target="f"))
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(old.read(), b"old")  # a process that had it open keeps the old content
        old.close()
        with open(self.at("f"), "rb") as new, open(self.at("l"), "rb") as link:
            self.assertEqual((new.read(), link.read()), (b"new", b"file"))
        self.assertFalse(os.path.islink(self.at("l")))
        self.assertTrue(self.push(record("f", content=b"again") + record("g", "hardlink", target="f"))["ok"])
        self.assertTrue(self.push(record("f", "symlink", target="g"))["ok"])
        self.assertTrue(self.push(record("d", "directory") + record("d", "directory", mode=0o500))["ok"])
        self.assertEqual(os.stat(self.at("d")).st_mode & 0o777, 0o500)
        self.assert_nothing_staged()

    def test_failures_name_the_path(self):
        self.push(record("d/f") + record("file"))
        first = record("d2/f") + record("file2")
        for content, code, errno in (
            (record("d2"), "IO", "EISDIR"),
            (record("file2", "directory"), "IO", "ENOTDIR"),
            (record("file2/below"), "IO", "ENOTDIR"),
            (record("x", "hardlink", target="missing"), "IO", "ENOENT"),
            (record("x", "hardlink", target="d2"), "IO", "EINVAL"),
        ):
            answer = self.push(first + content + record("after"))
            self.assert_error(answer, code, errno=errno, path=parse_records(content).popitem()[1][0]["path"])
        for content, errno, path in (
            (record("d"), "EISDIR", "d"),
            (record("file", "directory"), "ENOTDIR", "file"),
            (record("file/below"), "ENOTDIR", "file"),
        ):
            self.assert_error(self.push(content + record("after")), "IO", errno=errno, path=self.at(path))
        self.assertEqual(sorted(os.listdir(self.target)), ["d", "file"])
        self.assert_error(self.push(b"", path=self.at("file")), "IO", errno="ENOTDIR")
        self.assert_error(self.push(b"", path=self.at("file", "x")), "IO", errno="ENOTDIR")
        self.assert_nothing_staged()

    def test_paths_that_lead_out(self):
        for path in (
            "", "/", "/etc/x", "..", ".", "../x", "a/../x", "a/..", "./a", "a/.", "a//b", "a/", "//", "a/../../x", "x" * 256,
            "/".join(["x" * 255] * 17),
        ):
            with self.subTest(path[:40]):
                answer = self.push(record(path))
                self.assertIn(answer["error"]["code"], ("UNSAFE_PATH", "BAD_REQUEST"))
                if path and len(path) < 4096:
                    self.assert_error(answer, "UNSAFE_PATH", path=path)
                self.assert_error(self.push(record("h", "hardlink", target=path)), answer["error"]["code"])
        self.assert_nothing_staged()
        self.assertEqual(os.listdir(self.workspace), [])

    def test_links_are_not_followed(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.mkdir(self.target)
        with open(os.path.join(outside, "secret"), "w") as file:
            file.write("secret")
        links = {"abs": outside, "rel": "../outside", "self": ".", "inner": "real", "dangling": "nowhere", "loop": "loop",
                 "magic": "/proc/self/root", "file": os.path.join(outside, "secret")}
        os.mkdir(self.at("real"))
        for name, to in links.items():
            os.symlink(to, self.at(name))
            for content in (
                record(f"{name}/x", content=b"pwned"),
                record(f"{name}/deeper/x", content=b"pwned"),
                record(f"{name}/d", "directory"),
                record(f"{name}/l", "symlink", target="x"),
                record("h", "hardlink", target=f"{name}/secret"),
                record("h", "hardlink", target=name),
                record(name, "directory"),
            ):
                with self.subTest((name, content[4:60])):
                    link = record(name, "symlink", target=to) if b'"hardlink"' in content else b""
                    self.assert_error(self.push(link + content), "UNSAFE_PATH")
        self.assertEqual(os.listdir(outside), ["secret"])
        self.assertEqual(os.listdir(self.at("real")), [])
        self.assertEqual(sorted(os.listdir(self.target)), sorted([*links, "real"]))

    def test_a_link_of_the_same_stage_is_not_followed(self):
        content = record("l", "symlink", target=self.folder) + record("l/x", content=b"pwned")
        self.assert_error(self.push(content), "UNSAFE_PATH", path="l/x")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "x")))

    def test_a_file_takes_the_place_of_a_link_not_of_its_target(self):
        os.mkdir(self.target)
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w") as file:
            file.write("secret")
        os.symlink(secret, self.at("f"))
        self.assertTrue(self.push(record("f", content=b"mine"))["ok"])
        with open(secret) as file:
            self.assertEqual(file.read(), "secret")

    def test_malformed_records(self):
        good = record("f", content=b"12345")
        for content in (
            struct.pack("<I", 0), struct.pack("<I", 16385), b"\xff\xff\xff\xff", struct.pack("<I", 2) + b"{}",
            struct.pack("<I", 4) + b"null", record("f", "fifo"), record("f", mode=-1), record("f", mode="644"),
            record("f", mtime_ns=10**9), record("f", size=-1), record("f", size=1.5), record("d", "directory", size=1),
            record("l", "symlink"), record("l", "symlink", target=""), record("l", "symlink", target="a\0b"),
            record("f\0g"), record(b"f\0g"), record("h", "hardlink"), record(None), record("f", 1),
            record(7, path_base64="Zg=="), raw(type="file", path_base64="x"), raw(type="file"), raw(path="f"),
        ):
            with self.subTest(content[:80]):
                self.assert_error(self.push(content + good), "BAD_REQUEST")
        self.assert_nothing_staged()
        self.assertEqual(os.listdir(self.workspace), [])

    def test_content_that_ends_early(self):
        whole = record("f", content=b"12345")
        for cut in range(1, len(whole)):
            self.assert_error(self.push(whole[:cut]), "BAD_REQUEST")
        self.assert_nothing_staged()
        self.assertEqual(os.listdir(self.workspace), [])

    def test_longest_header(self):
        filler = record("f", x="")
        pad = 16384 - (len(filler) - 4)
        self.assertTrue(self.push(record("f", x="y" * pad))["ok"])
        self.assert_error(self.push(record("f", x="y" * (pad + 1))), "BAD_REQUEST")

    def test_violations(self):
        def begin():
            return self.begin()

        for break_it in (
            lambda s: self.wire.data(s, CONTENT, 1, b"gap"),
            lambda s: self.wire.data(s, 0, 0, b"stdin"),
            lambda s: self.wire.window(s, CONTENT, 0, 10),
            lambda s: self.wire.eof(s, CONTENT, 1),
            lambda s: self.wire.data(s, CONTENT, GRANTED, b""),
        ):
            break_it(begin())
            self.assert_broken()

    def begin(self, content=b""):
        stream = self.wire.post("stage", path=self.target, id=os.urandom(8).hex())
        self.wire.take_window(stream, CONTENT)
        if content:
            self.wire.data(stream, CONTENT, 0, content)
        return stream

    def test_cancel(self):
        stream = self.begin(record("done", content=b"x") + record("half", content=b"12345")[:-2])
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.answer(stream), "CANCELLED")
        self.assert_nothing_staged()
        self.assert_nothing_staged()
        self.assertEqual(os.listdir(self.workspace), [])
        self.wire.data(stream, CONTENT, 500, b"late")
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        stream, _ = self.stage(record("whole"))
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.ask("commit", transfer=stream), "BAD_REQUEST")
        self.assert_nothing_staged()
        for transfer in (0, "1", None, -1):
            self.assert_error(self.wire.ask("cancel", transfer=transfer), "BAD_REQUEST")
            self.assert_error(self.wire.ask("commit", transfer=transfer), "BAD_REQUEST")

    def test_the_end_of_a_session_cancels(self):
        self.begin(record("half", content=b"12345")[:-2])
        self.stage(record("whole"))
        self.wire.sync()
        self.assert_nothing_staged()
        self.assert_nothing_staged()
        self.assertEqual(os.listdir(self.workspace), [])

    def test_too_many_transfers(self):
        streams = [self.begin() for _ in range(16)]
        self.assert_error(self.wire.ask("stage", path=self.target, id="a"), "TOO_MANY_JOBS")
        self.assert_error(self.wire.ask("get", path="/"), "TOO_MANY_JOBS")
        self.assert_error(self.wire.answer(self.wire.post("ping", stream=streams[0])), "EXISTS")
        self.wire.eof(streams[0], CONTENT, 0)
        self.assertTrue(self.wire.answer(streams[0])["ok"])
        self.assert_error(self.wire.ask("get", path="/"), "TOO_MANY_JOBS")
        self.assertTrue(self.wire.ask("commit", transfer=streams[0])["ok"])
        self.assertTrue(self.push(b"")["ok"])

    def test_destinations(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.workspace, "link"))
        for path in (outside, "/", "/etc", self.workspace + "x", self.workspace + "/../outside", self.workspace + "/link",
                     self.workspace + "/link/x", self.workspace + "/"):
            self.assert_error(self.push(record("f"), path=path), "UNSAFE_PATH", path=path)
        self.assertEqual(os.listdir(outside), [])
        self.assertTrue(self.push(record("f"), path=self.workspace)["ok"])
        self.assert_error(self.push(record(".pyro-staging/f"), path=self.workspace), "UNSAFE_PATH")

    def test_ids(self):
        for id in ("", "A", "../x", "g", "a" * 65, 7, None):
            self.assert_error(self.wire.ask("stage", path=self.target, id=id), "BAD_REQUEST")
            self.assert_error(self.wire.ask("committed", id=id), "BAD_REQUEST")
        stream, _ = self.stage(b"", id="a" * 64)
        self.assert_error(self.wire.ask("stage", path=self.target, id="a" * 64), "IO", errno="EEXIST")
        self.assertTrue(self.wire.ask("commit", transfer=stream)["ok"])


class StageAfterAnotherAgent(FilesTest):
    def make_workspace(self):
        super().make_workspace()
        left = os.path.join(self.workspace, ".pyro-staging", "ab", "tree", *["deep"] * 40)
        os.makedirs(left, mode=0o500)

    def test_leftovers_of_an_earlier_agent_are_removed_at_the_start(self):
        self.assert_nothing_staged()


class WalkingStage(Walking, Stage):
    """The same on a kernel that has no openat2 and no renameat2."""

"""Files in and out: what arrives, what is refused, what is left behind."""

import base64
import json
import os
import shutil
import struct

import agent
from agent import AgentTest, wait_until
from wire import ALL, CONTENT, DATA, RESPONSE, WINDOW

HELD = 262144


def record(path, kind="file", content=b"", **fields):
    name = {"path_base64": base64.b64encode(path).decode()} if isinstance(path, bytes) else {"path": path}
    header = {**name, "type": kind, "mode": 0o644, "mtime_s": 1_600_000_000, "mtime_ns": 5, "size": len(content), **fields}
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + content


def raw(**header):
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text


def parse_records(data):
    """{path as bytes: (header, content)} in the order sent."""
    found, at = {}, 0
    while at < len(data):
        length = struct.unpack_from("<I", data, at)[0]
        header = json.loads(data[at + 4 : at + 4 + length])
        at += 4 + length
        path = base64.b64decode(header["path_base64"]) if "path_base64" in header else header["path"].encode()
        assert path not in found
        found[path] = (header, data[at : at + header["size"]])
        at += header["size"]
    return found


class FilesTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.target = os.path.join(self.folder, "target")

    def put(self, content, path=None, step=50_000, eof=True):
        """Sends the content as windows allow and returns the answer."""
        stream = self.wire.post("put", path=path or self.target)
        at = limit = 0
        sent_eof = False
        while True:
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                return json.loads(payload)
            assert kind == WINDOW and payload[0] == CONTENT
            acked, limit = struct.unpack("<QQ", payload[1:])
            assert acked <= at and limit - acked <= HELD
            while at < min(limit, len(content)):
                part = content[at : min(at + step, limit)]
                self.wire.data(stream, CONTENT, at, part)
                at += len(part)
            if at == len(content) and eof and not sent_eof:
                self.wire.eof(stream, CONTENT, at)
                sent_eof = True

    def get(self, path):
        stream = self.wire.post("get", path=path)
        self.wire.window(stream, CONTENT, 0, ALL)
        content = bytearray()
        while True:
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                return json.loads(payload), bytes(content)
            if kind == DATA:
                assert struct.unpack_from("<Q", payload, 1)[0] == len(content)
                content += payload[9:]
                self.wire.window(stream, CONTENT, len(content), ALL)

    def at(self, *names):
        return os.path.join(self.target, *names)

    def assert_nothing_temporary(self):
        for folder, _, files in os.walk(self.folder):
            self.assertEqual([name for name in files if ".pyro" in name], [], folder)


class Put(FilesTest):
    def test_every_kind(self):
        content = (
            record("d", "directory", mode=0o750, mtime_s=5)
            + record("d/a", content=b"hello", mode=0o751, mtime_s=-5, mtime_ns=999_999_999)
            + record("deep/er/still/f", content=b"x")
            + record("empty")
            + record("l", "symlink", target="../anywhere/é")
            + record("h", "hardlink", target="d/a")
            + record(b"raw\xff", content=b"raw")
        )
        self.assertEqual(self.put(content), {"ok": True, "entries": 7, "bytes": 9})
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
        self.assert_nothing_temporary()

    def test_nothing(self):
        self.assertEqual(self.put(b"", path=self.at("a", "b")), {"ok": True, "entries": 0, "bytes": 0})
        self.assertTrue(os.path.isdir(self.at("a", "b")))

    def test_in_pieces_of_every_size(self):
        content = record("a", content=b"one") + record("b") + record("c", "symlink", target="t") + record("e", content=b"five")
        for step in (1, 2, 3, 5, 7, 64, 100):
            shutil.rmtree(self.target, ignore_errors=True)
            self.assertEqual(self.put(content, step=step), {"ok": True, "entries": 4, "bytes": 7})
            self.assertEqual(sorted(os.listdir(self.target)), ["a", "b", "c", "e"])

    def test_big_and_many(self):
        big = os.urandom(3_000_000)
        many = b"".join(record(f"many/{i}", content=b"%d" % i) for i in range(2000))
        answer = self.put(record("big", content=big) + many)
        self.assertEqual(answer["entries"], 2001)
        with open(self.at("big"), "rb") as file:
            self.assertEqual(file.read(), big)
        self.assertEqual(len(os.listdir(self.at("many"))), 2000)

    def test_special_bits_are_dropped(self):
        self.put(record("f", mode=0o107777) + record("d", "directory", mode=0o47777))
        self.assertEqual(os.stat(self.at("f")).st_mode & 0o7777, 0o777)
        self.assertEqual(os.stat(self.at("d")).st_mode & 0o7777, 0o777)

    def test_replaces(self):
        self.put(record("f", content=b"old") + record("g", content=b"g") + record("l", "symlink", target="f"))
        old = open(self.at("f"), "rb")
        answer = self.put(record("f", content=b"new") + record("l", content=b"file") + record("g", "hardlink", target="f"))
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(old.read(), b"old")  # whoever had it open keeps the old one
        old.close()
        with open(self.at("f"), "rb") as new, open(self.at("l"), "rb") as link:
            self.assertEqual((new.read(), link.read()), (b"new", b"file"))
        self.assertFalse(os.path.islink(self.at("l")))
        self.assertTrue(self.put(record("g", "hardlink", target="f"))["ok"])  # onto itself
        self.assertTrue(self.put(record("f", "symlink", target="g"))["ok"])
        self.assertTrue(self.put(record("d", "directory") + record("d", "directory", mode=0o500))["ok"])
        self.assertEqual(os.stat(self.at("d")).st_mode & 0o777, 0o500)
        self.assert_nothing_temporary()

    def test_failures_name_the_path(self):
        self.put(record("d/f") + record("file"))
        for content, code, errno in (
            (record("d"), "IO", "EISDIR"),
            (record("file", "directory"), "IO", "ENOTDIR"),
            (record("file/below"), "IO", "ENOTDIR"),
            (record("x", "hardlink", target="missing"), "IO", "ENOENT"),
            (record("x", "hardlink", target="d"), "IO", "EINVAL"),
        ):
            answer = self.put(content + record("after"))
            self.assert_error(answer, code, errno=errno, path=parse_records(content).popitem()[1][0]["path"])
            self.assertFalse(os.path.exists(self.at("after")))
        self.assert_error(self.put(b"", path=self.at("file")), "IO", errno="ENOTDIR")
        self.assert_error(self.put(b"", path=self.at("file", "x")), "IO", errno="ENOTDIR")
        self.assert_nothing_temporary()

    def test_paths_that_would_leave(self):
        for path in (
            "", "/", "/etc/x", "..", ".", "../x", "a/../x", "a/..", "./a", "a/.", "a//b", "a/", "//", "a/../../x", "x" * 256,
            "/".join(["x" * 255] * 17),
        ):
            with self.subTest(path[:40]):
                answer = self.put(record(path))
                self.assertIn(answer["error"]["code"], ("UNSAFE_PATH", "BAD_REQUEST"))
                if path and len(path) < 4096:
                    self.assert_error(answer, "UNSAFE_PATH", path=path)
                self.assert_error(self.put(record("h", "hardlink", target=path)), answer["error"]["code"])
        self.assertEqual(os.listdir(self.target), [])

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
                    self.assert_error(self.put(content), "UNSAFE_PATH")
        self.assertEqual(os.listdir(outside), ["secret"])
        self.assertEqual(os.listdir(self.at("real")), [])
        self.assertEqual(sorted(os.listdir(self.target)), sorted([*links, "real"]))

    def test_a_link_made_by_the_same_put_is_not_followed(self):
        content = record("l", "symlink", target=self.folder) + record("l/x", content=b"pwned")
        self.assert_error(self.put(content), "UNSAFE_PATH", path="l/x")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "x")))

    def test_a_file_takes_the_place_of_a_link_not_of_its_target(self):
        os.mkdir(self.target)
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w") as file:
            file.write("secret")
        os.symlink(secret, self.at("f"))
        self.assertTrue(self.put(record("f", content=b"mine"))["ok"])
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
                self.assert_error(self.put(content + good), "BAD_REQUEST")
        self.assertEqual(os.listdir(self.target), [])

    def test_content_that_ends_early(self):
        whole = record("f", content=b"12345")
        for cut in range(1, len(whole)):
            self.assert_error(self.put(whole[:cut]), "BAD_REQUEST")
        self.assertEqual(os.listdir(self.target), [])

    def test_longest_header(self):
        filler = record("f", x="")
        pad = 16384 - (len(filler) - 4)
        self.assertTrue(self.put(record("f", x="y" * pad))["ok"])
        self.assert_error(self.put(record("f", x="y" * (pad + 1))), "BAD_REQUEST")

    def test_violations(self):
        def begin():
            stream = self.wire.post("put", path=self.target)
            self.wire.take_window(stream, CONTENT)
            return stream

        for break_it in (
            lambda s: self.wire.data(s, CONTENT, 1, b"gap"),
            lambda s: self.wire.data(s, 0, 0, b"stdin"),
            lambda s: self.wire.window(s, CONTENT, 0, 10),
            lambda s: self.wire.eof(s, CONTENT, 1),
            lambda s: self.wire.data(s, CONTENT, HELD, b""),
        ):
            break_it(begin())
            self.assert_broken()

    def test_cancel(self):
        stream = self.wire.post("put", path=self.target)
        self.wire.take_window(stream, CONTENT)
        self.wire.data(stream, CONTENT, 0, record("done", content=b"x") + record("half", content=b"12345")[:-2])
        wait_until(lambda: len(os.listdir(self.target)) == 2)
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.answer(stream), "CANCELLED")
        self.assertEqual(os.listdir(self.target), ["done"])
        self.wire.data(stream, CONTENT, 500, b"late")
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        for transfer in (0, "1", None, -1):
            self.assert_error(self.wire.ask("cancel", transfer=transfer), "BAD_REQUEST")

    def test_too_many_transfers(self):
        streams = [self.wire.post("put", path=self.target) for _ in range(16)]
        self.assert_error(self.wire.ask("put", path=self.target), "TOO_MANY_JOBS")
        self.assert_error(self.wire.ask("get", path="/"), "TOO_MANY_JOBS")
        self.assert_error(self.wire.answer(self.wire.post("ping", stream=streams[0])), "EXISTS")
        self.wire.eof(streams[0], CONTENT, 0)
        self.assertTrue(self.wire.answer(streams[0])["ok"])
        self.assertTrue(self.put(b"")["ok"])


class Get(FilesTest):
    def test_round_trip(self):
        content = (
            record("d", "directory") + record("d/e", "directory", mode=0o711) + record("d/e/f", content=os.urandom(500_000))
            + record("l", "symlink", target="/etc/passwd") + record("ünï", content=b"u") + record("x", mode=0o751, content=b"#!")
            + record(b"raw\xff\xfe", content=b"r") + record("tab\tnew\nline", content=b"t") + record("none")
            + record('quote"\\', content=b"q")
        )
        self.put(content)
        answer, got = self.get(self.target)
        self.assertEqual((answer["ok"], answer["entries"], answer["skipped"]), (True, 10, 0))
        sent, back = parse_records(content), parse_records(got)
        self.assertEqual(set(sent), set(back))
        for path, (header, body) in sent.items():
            self.assertEqual(back[path][1], body)
            for name in ("type", "mode", "mtime_s", "mtime_ns", "size", "target"):
                if header["type"] == "symlink" and name == "mode" or header["type"] == "directory" and "mtime" in name:
                    continue
                self.assertEqual(back[path][0].get(name), header.get(name), (path, name))
        order = list(back)
        self.assertLess(order.index(b"d"), order.index(b"d/e"))
        self.assertLess(order.index(b"d/e"), order.index(b"d/e/f"))
        shutil.rmtree(self.target)
        self.assertTrue(self.put(got)["ok"])
        self.assertEqual(set(parse_records(self.get(self.target)[1])), set(sent))

    def test_one_file_and_one_link(self):
        self.put(record("f", content=b"abc") + record("l", "symlink", target="f"))
        answer, got = self.get(self.at("f"))
        self.assertEqual(answer, {"ok": True, "entries": 1, "bytes": 3, "skipped": 0})
        self.assertEqual(parse_records(got)[b"f"][1], b"abc")
        self.assertEqual(parse_records(self.get(self.at("l"))[1])[b"l"][0]["target"], "f")

    def test_links_are_not_followed(self):
        os.mkdir(self.target)
        os.symlink("/", self.at("root"))
        answer, got = self.get(self.target)
        self.assertEqual((answer["entries"], list(parse_records(got))), (1, [b"root"]))

    def test_special_files_are_counted(self):
        os.mkdir(self.target)
        os.mkfifo(self.at("fifo"))
        self.put(record("f"))
        answer, got = self.get(self.target)
        self.assertEqual((answer["entries"], answer["skipped"], list(parse_records(got))), (1, 1, [b"f"]))
        self.assertEqual(self.get(self.at("fifo"))[0]["skipped"], 1)

    def test_failures(self):
        self.assert_error(self.get("/nope")[0], "IO", errno="ENOENT", path="/nope")
        for path in ("", "x", None):
            self.assert_error(self.wire.ask("get", path=path), "BAD_REQUEST")

    def test_a_deep_tree(self):
        os.makedirs(self.at(*["d"] * 255))
        self.assertEqual(self.get(self.target)[0]["entries"], 255)
        os.makedirs(self.at(*["e"] * 256))
        self.assert_error(self.get(self.target)[0], "IO", errno="ENAMETOOLONG")

    def test_long_names_of_control_characters(self):
        names = ["\x01" * 255] * 14
        os.mkdir(self.target)
        here = self.target
        at = os.open(self.target, os.O_RDONLY)
        for name in names:
            os.mkdir(name, dir_fd=at)
            below = os.open(name, os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.symlink("\x02" * 4095, "l", dir_fd=at)
        os.close(at)
        answer, got = self.get(here)
        self.assertEqual(answer["entries"], 15)
        self.assertEqual(base64.b64decode(list(parse_records(got).values())[-1][0]["target_base64"]), b"\x02" * 4095)

    def test_windows_are_kept(self):
        self.put(record("f", content=bytes(1_000_000)))
        stream = self.wire.post("get", path=self.at("f"))
        self.assertTrue(self.wire.is_quiet())
        got = 0
        for limit in (1, 2, 1000, 100_000, 362_144, 500_000):
            self.wire.window(stream, CONTENT, got, limit)
            while got < min(limit, got + HELD):
                got += len(self.wire.take(lambda k, s, p: k == DATA)[2]) - 9
            self.assertEqual(got, limit)
            self.assertTrue(self.wire.is_quiet())
        self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        self.assert_error(self.wire.answer(stream), "CANCELLED")

    def test_violations(self):
        self.put(record("f", content=bytes(1_000_000)))
        for break_it in (
            lambda s: self.wire.window(s, CONTENT, 1, 2),
            lambda s: self.wire.window(s, 1, 0, 2),
            lambda s: self.wire.data(s, CONTENT, 0, b""),
        ):
            break_it(self.wire.post("get", path=self.at("f")))
            self.assert_broken()

    def test_a_file_that_shrinks(self):
        self.put(record("f", content=bytes(2_000_000)))
        stream = self.wire.post("get", path=self.at("f"))
        self.wire.window(stream, CONTENT, 0, 1)
        self.wire.take(lambda k, s, p: k == DATA)
        os.truncate(self.at("f"), 10)
        at = 1
        while True:
            self.wire.window(stream, CONTENT, at, ALL)
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                break
            at += len(payload) - 9
        self.assert_error(json.loads(payload), "IO", errno="ESTALE", path="f")


class WalkingPut(Put):
    """The same on a kernel that has no openat2."""

    def setUp(self):
        known, agent.BINARY = agent.BINARY, "build/pyro-agent-walks"
        try:
            super().setUp()
        finally:
            agent.BINARY = known

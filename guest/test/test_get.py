"""Files out: what is sent, what is left out."""

import base64
import json
import os
import shutil

from files import FilesTest, parse_records, record
from wire import ALL, CONTENT, DATA, RESPONSE

HELD = 262144


class Get(FilesTest):
    def test_round_trip(self):
        content = (
            record("d", "directory") + record("d/e", "directory", mode=0o711) + record("d/e/f", content=os.urandom(500_000))
            + record("l", "symlink", target="/etc/passwd") + record("ünï", content=b"u") + record("x", mode=0o751, content=b"#!")
            + record(b"raw\xff\xfe", content=b"r") + record("tab\tnew\nline", content=b"t") + record("none")
            + record('quote"\\', content=b"q")
        )
        self.push(content)
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
        self.assertTrue(self.push(got)["ok"])
        self.assertEqual(set(parse_records(self.get(self.target)[1])), set(sent))

    def test_one_file_and_one_link(self):
        self.push(record("f", content=b"abc") + record("l", "symlink", target="f"))
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
        self.push(record("f"))
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

    def test_nothing_is_sent_beyond_a_window(self):
        self.push(record("f", content=bytes(1_000_000)))
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
        self.push(record("f", content=bytes(1_000_000)))
        for break_it in (
            lambda s: self.wire.window(s, CONTENT, 1, 2),
            lambda s: self.wire.window(s, 1, 0, 2),
            lambda s: self.wire.data(s, CONTENT, 0, b""),
        ):
            break_it(self.wire.post("get", path=self.at("f")))
            self.assert_broken()

    def test_a_file_that_shrinks(self):
        self.push(record("f", content=bytes(2_000_000)))
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

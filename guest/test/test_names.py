"""Directories made, names changed and removed, and chosen entries fetched."""

import base64
import os
import stat

from files import parse_records
from test_read_write import FileTest


class Mkdir(FileTest):
    def mkdir(self, name, **fields):
        return self.wire.ask("mkdir", path=self.at(name), **fields)

    def test_with_its_parents(self):
        self.assertEqual(self.mkdir("a/b/c", mode=0o700), {"ok": True, "created": True})
        modes = [stat.S_IMODE(os.stat(self.at(name)).st_mode) for name in ("a", "a/b", "a/b/c")]
        self.assertEqual(modes, [0o755, 0o755, 0o700])
        self.assertEqual(self.mkdir("a/b"), {"ok": True, "created": False})
        self.assertEqual(self.wire.ask("mkdir", path="/"), {"ok": True, "created": False})

    def test_through_links(self):
        os.mkdir(self.at("d"))
        os.symlink("d", self.at("l"))
        self.assertEqual(self.mkdir("l"), {"ok": True, "created": False})
        self.assertTrue(self.mkdir("l/x")["created"])
        self.assertTrue(os.path.isdir(self.at("d/x")))

    def test_failures(self):
        self.put("f")
        os.symlink("nowhere", self.at("dangling"))
        for name, errno in (("f", "EEXIST"), ("f/x", "ENOTDIR"), ("dangling", "EEXIST"), ("x" * 256, "ENAMETOOLONG"), ("d/..", "EINVAL")):
            self.assert_error(self.mkdir(name), "IO", errno=errno)
        self.assert_error(self.mkdir("d", mode=0o1000), "BAD_REQUEST")


class Rename(FileTest):
    def rename(self, source, to, **fields):
        return self.wire.ask("rename", path=self.at(source), to=self.at(to), **fields)

    def test_files_links_and_directories(self):
        self.put("f", b"f")
        os.mkdir(self.at("d"))
        os.symlink("f", self.at("l"))
        for source, to in (("f", "d/f"), ("l", "d/l"), ("d", "e")):
            self.assertEqual(self.rename(source, to), {"ok": True})
        self.assertEqual((self.content("e/f"), os.readlink(self.at("e/l")), os.listdir(self.target)), (b"f", "f", ["e"]))

    def test_nothing_is_replaced_without_a_request(self):
        self.put("a", b"a")
        self.put("b", b"b")
        self.assert_error(self.rename("a", "b"), "IO", errno="EEXIST")
        self.assertEqual(self.content("b"), b"b")
        self.assertEqual(self.rename("a", "b", replace=True), {"ok": True})
        self.assertEqual((self.content("b"), os.listdir(self.target)), (b"a", ["b"]))

    def test_failures(self):
        self.put("f")
        os.makedirs(self.at("d/e"))
        cases = (("gone", "x", "ENOENT"), ("f", "gone/x", "ENOENT"), ("f", "f/x", "ENOTDIR"), ("d", "d/e/x", "EINVAL"), ("f/x", "y", "ENOTDIR"))
        for source, to, errno in cases:
            self.assert_error(self.rename(source, to), "IO", errno=errno)
        self.assert_error(self.rename("f", "d", replace=True), "IO", errno="EISDIR")
        self.assert_error(self.wire.ask("rename", path="/", to="/x"), "IO", errno="EBUSY")
        self.assert_error(self.wire.ask("rename", path=self.at("f"), to="x"), "BAD_REQUEST")
        self.assert_error(self.wire.ask("rename", path=self.at("f"), to="/proc/x"), "IO", errno="EXDEV")


class Remove(FileTest):
    def remove(self, name, **fields):
        return self.wire.ask("remove", path=self.at(name), **fields)

    def test_single_names(self):
        self.put("f")
        os.mkdir(self.at("d"))
        os.mkfifo(self.at("p"))
        os.symlink("/", self.at("l"))
        for name in ("f", "d", "p", "l"):
            self.assertEqual(self.remove(name), {"ok": True, "removed": 1})
        self.assertEqual(os.listdir(self.target), [])

    def test_a_tree_is_removed_only_on_request(self):
        for number in range(300):
            os.makedirs(self.at("d", str(number), "x"))
            self.put(f"d/{number}/f")
        self.put("kept", b"kept")
        os.symlink(self.at("kept"), self.at("d/l"))
        self.assert_error(self.remove("d"), "IO", errno="ENOTEMPTY")
        self.assertEqual(self.remove("d", recursive=True), {"ok": True, "removed": 902})
        self.assertEqual((os.listdir(self.target), self.content("kept")), (["kept"], b"kept"))

    def test_a_link_to_a_directory_is_a_link(self):
        os.mkdir(self.at("d"))
        self.put("d/f")
        os.symlink("d", self.at("l"))
        self.assertEqual(self.remove("l", recursive=True), {"ok": True, "removed": 1})
        self.assertEqual(os.listdir(self.at("d")), ["f"])

    def test_failures(self):
        self.put("f")
        for name, errno in (("gone", "ENOENT"), ("f/x", "ENOTDIR"), ("..", "EINVAL")):
            self.assert_error(self.remove(name, recursive=True), "IO", errno=errno)
        for path in ("/", "/proc"):
            self.assert_error(self.wire.ask("remove", path=path, recursive=True), "IO", errno="EBUSY")
        self.assert_error(self.remove("f", recursive=1), "BAD_REQUEST")

    def test_a_cancel_leaves_the_rest(self):
        for number in range(2000):
            os.makedirs(self.at("d", str(number)))
        stream = self.wire.post("remove", path=self.at("d"), recursive=True)
        cancel = self.wire.post("cancel", transfer=stream)
        answer = self.wire.answer(stream)
        self.assertTrue(self.wire.answer(cancel)["ok"])
        if not answer["ok"]:
            self.assert_error(answer, "CANCELLED")
            self.assertTrue(os.path.isdir(self.at("d")))


class Fetch(FileTest):
    def fetch(self, paths, **fields):
        answer, content = self.receive("fetch", **({"path": self.target, "paths": paths} | fields))
        return answer, parse_records(content) if answer["ok"] else None

    def test_chosen_entries_in_their_order(self):
        os.makedirs(self.at("d/e"))
        big = os.urandom(600_000)
        for name, content in (("d/e/f", b"f"), ("d/big", big), ("other", b"o")):
            self.put(name, content)
        os.symlink("other", self.at("l"))
        answer, found = self.fetch(["other", "d/big", "d", "l", "d/e/f"])
        self.assertEqual(answer, {"ok": True, "entries": 5, "bytes": 600_002, "skipped": 0})
        self.assertEqual([(path, header["type"], content) for path, (header, content) in found.items()], [
            (b"other", "file", b"o"), (b"d/big", "file", big), (b"d", "directory", b""), (b"l", "symlink", b""), (b"d/e/f", "file", b"f"),
        ])

    def test_missing_and_special_files_and_those_behind_a_link_are_absent(self):
        os.mkdir(self.at("d"))
        self.put("d/f")
        os.symlink("d", self.at("l"))
        os.mkfifo(self.at("p"))
        answer, found = self.fetch(["gone", "gone/x", "l/f", "d/f/x", "p", "d/f"])
        self.assertEqual([header["type"] for header, _ in found.values()], ["absent"] * 5 + ["file"])
        self.assertEqual((answer["entries"], answer["skipped"]), (1, 1))

    def test_names_that_are_not_utf8(self):
        with open(os.fsencode(self.at("")) + b"\xff", "wb") as file:
            file.write(b"raw")
        _, found = self.fetch([{"path_base64": base64.b64encode(b"\xff").decode()}])
        self.assertEqual(found[b"\xff"][1], b"raw")

    def test_a_thousand_paths(self):
        for number in range(1000):
            self.put(f"{number:04}", b"x")
        answer, found = self.fetch([f"{number:04}" for number in range(1000)])
        self.assertEqual((answer["bytes"], len(found)), (1000, 1000))

    def put_sparse(self, name, size, *pieces):
        with open(self.at(name), "wb") as file:
            file.truncate(size)
            for offset, content in pieces:
                file.seek(offset)
                file.write(content)

    def whole(self, header, content):
        """The file that a header with `data` and its content describe."""
        whole, at = bytearray(header["size"]), 0
        for offset, size in zip(header["data"][::2], header["data"][1::2]):
            whole[offset : offset + size] = content[at : at + size]
            at += size
        return bytes(whole)

    def assert_sparse(self, name, most_bytes):
        answer, found = self.fetch([name, "after"], sparse=True)
        header, content = found[name.encode()]
        with open(self.at(name), "rb") as file:
            self.assertEqual(self.whole(header, content), file.read())
        self.assertLessEqual(len(content), most_bytes)
        self.assertEqual(answer["bytes"], len(content) + 5)
        self.assertEqual(found[b"after"][1], b"after")
        return header["data"]

    def test_only_the_data_of_a_sparse_file_is_sent(self):
        self.put("after", b"after")
        self.put_sparse("f", 1 << 24, (0, b"start"), (1 << 20, os.urandom(300_000)), ((1 << 24) - 3, b"end"))
        self.assertEqual(self.assert_sparse("f", 320_000)[:2], [0, 4096])
        self.put_sparse("none", 1 << 20)
        self.assertEqual(self.assert_sparse("none", 0), [])
        self.put_sparse("tail", 1_000_001, (0, b"x"))
        self.assertEqual(self.assert_sparse("tail", 4096), [0, 4096])

    def test_a_file_with_many_holes_keeps_the_longest(self):
        self.put("after", b"after")
        holes = [(number, 1 << 18 if number % 3 else 1 << 17) for number in range(400)]
        offset, pieces = 0, []
        for number, hole in holes:
            pieces.append((offset, b"%d" % number))
            offset += 4096 + hole
        self.put_sparse("f", offset, *pieces)
        self.assertEqual(len(self.assert_sparse("f", 48 << 20)), 2 * 200)

    def test_a_file_with_short_holes_and_one_that_is_not_asked_for_sparse_are_sent_whole(self):
        self.put_sparse("short", 60_000, (0, b"x"), (59_999, b"y"))
        self.put_sparse("f", 1 << 20, (4096, b"x"))
        for fields, name in (({"sparse": True}, "short"), ({}, "f"), ({"sparse": False}, "f")):
            header, content = self.fetch([name], **fields)[1][name.encode()]
            self.assertNotIn("data", header)
            with open(self.at(name), "rb") as file:
                self.assertEqual(content, file.read())

    def test_a_long_name_leaves_room_for_the_pieces(self):
        name = "\x01" * 255
        self.put_sparse(name, 200 << 36, *((number << 36, b"x") for number in range(200)))
        header, content = self.fetch([name], sparse=True)[1][name.encode()]
        self.assertEqual((len(header["data"]), len(content)), (400, 200 * 4096))

    def test_failures(self):
        self.assert_error(self.wire.ask("fetch", path=self.target, paths=["a"], sparse=1), "BAD_REQUEST")
        self.assert_error(self.fetch([], path=self.at("gone"))[0], "IO", errno="ENOENT")
        for paths in (["/etc/passwd"], ["../x"], ["a//b"], [""], [1], [{}], "x", None, ["a", "."]):
            self.assert_error(self.wire.ask("fetch", path=self.target, paths=paths), "BAD_REQUEST")
        self.assertEqual(self.fetch([])[0]["entries"], 0)

"""Entries that the workspace has already are not touched. Entries that a push changes get a time that builds notice."""

import os
import random
import shutil
import stat
import time

from agent import wait_until
from files import record
from test_commit import CommitTest
from wire import CONTENT

LARGE = 3_000_000


def looks(root):
    """The facts of every entry that change with any modification."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != ".pyro-staging"]
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            entry = os.lstat(path)
            found[os.path.relpath(path, root)] = (entry.st_ino, entry.st_mtime_ns, entry.st_ctime_ns, entry.st_mode, entry.st_nlink)
    return found


class Unchanged(CommitTest):
    def push_here(self, content, **options):
        answer = super().push_here(content, **options)
        self.assertTrue(answer["ok"], answer)
        return answer["unchanged"]

    def calm(self):
        """Large files that have just been changed are written while they are compared, later they are only compared."""
        newest = max((entry[2] for entry in looks(self.workspace).values()), default=0)
        wait_until(lambda: time.time_ns() > newest + 400_000_000)

    def test_an_equal_tree_is_not_touched(self):
        content = (
            record("d", "directory", mode=0o750) + record("d/f", content=b"f") + record("d/empty") + record("run", content=b"#!", mode=0o755)
            + record("big", content=random.Random(1).randbytes(LARGE)) + record("l", "symlink", target="d/f")
            + record("d/h", "hardlink", target="d/f") + record("d/big", "hardlink", target="big")
        )
        self.assertEqual(self.push_here(content), 0)
        before = looks(self.workspace)
        for step in (50_000, 4_096, 1_000):
            self.assertEqual(self.push_here(content, step=step), 8)
            self.assertEqual(looks(self.workspace), before)
            self.calm()

    def bytes_read(self):
        with open(f"/proc/{self.process.pid}/io") as file:
            return int(file.readline().split()[1])

    def test_holes_are_compared_without_being_read(self):
        size, data = 16_000_000, 5_000_000
        content = bytearray(size)
        content[data : data + 10] = b"0123456789"
        self.push_here(record("f", content=bytes(content)))
        before = looks(self.workspace)
        for _ in range(2):
            read = self.bytes_read()
            self.assertEqual(self.push_here(record("f", content=bytes(content))), 1)
            self.assertLess(self.bytes_read() - read, size + size // 4)
            self.assertEqual(looks(self.workspace), before)
            self.calm()
        for at in (0, data - 1, data, data + 9, data + 10, size - 1):
            other = bytearray(content)
            other[at] ^= 1
            self.assertEqual(self.push_here(record("f", content=bytes(other))), 0, at)
            with open(os.path.join(self.workspace, "f"), "rb") as file:
                self.assertEqual(file.read(), other)
            self.push_here(record("f", content=bytes(content)))
            self.calm()

    def test_only_entries_that_differ_are_touched(self):
        big = bytearray(random.Random(2).randbytes(LARGE))
        names = ["content", "longer", "mode", "same", "to-link", "big-end", "big-start", "big-same"]

        def content(changed):
            differs = bytearray(big)
            if changed:
                differs[-1] ^= 1
            early = bytearray(big)
            if changed:
                early[0] ^= 1
            return (
                record("content", content=b"b" if changed else b"a") + record("longer", content=b"aa" if changed else b"a")
                + record("mode", mode=0o755 if changed else 0o644) + record("same", content=b"same")
                + (record("to-link", "symlink", target="same") if changed else record("to-link"))
                + record("big-end", content=bytes(differs)) + record("big-start", content=bytes(early)) + record("big-same", content=bytes(big))
            )

        self.push_here(content(False))
        for _ in range(2):
            self.push_here(content(True))
            self.push_here(content(False))
            self.calm()
        before = looks(self.workspace)
        now = time.time_ns()
        self.assertEqual(self.push_here(content(True)), 2)
        after = looks(self.workspace)
        for name in names:
            if name in ("same", "big-same"):
                self.assertEqual(after[name], before[name], name)
            else:
                self.assertGreaterEqual(after[name][1], now, name)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.workspace, "mode")).st_mode), 0o755)
        with open(os.path.join(self.workspace, "big-end"), "rb") as file:
            self.assertEqual(file.read(), bytes(big[:-1]) + bytes([big[-1] ^ 1]))

    def test_new_files_keep_their_time_and_later_times_stay(self):
        later = int(time.time()) + 1_000
        self.push_here(record("new") + record("f", content=b"a"))
        self.assertEqual(looks(self.workspace)["new"][1], 1_600_000_000_000_000_005)
        self.push_here(record("f", content=b"b", mtime_s=later))
        self.assertEqual(looks(self.workspace)["f"][1], later * 10**9 + 5)

    def test_an_existing_directory_keeps_its_time(self):
        self.plant("d/f", "e/f")
        os.chmod(os.path.join(self.workspace, "d"), 0o755)
        before = looks(self.workspace)
        now = time.time_ns()
        content = record("d", "directory", mode=0o755) + record("e", "directory", mode=0o700) + record("e/new")
        self.assertEqual(self.push_here(content), 1)
        after = looks(self.workspace)
        self.assertEqual(after["d"], before["d"])
        self.assertEqual(stat.S_IMODE(after["e"][3]), 0o700)
        self.assertGreaterEqual(after["e"][1] + 10_000_000, now)  # the kernel's own clock is coarse

    def test_a_further_name_of_an_equal_file(self):
        self.push_here(record("a", content=b"a"))
        mtime = looks(self.workspace)["a"][1]
        self.assertEqual(self.push_here(record("a", content=b"a") + record("h", "hardlink", target="a")), 1)
        after = looks(self.workspace)
        self.assertEqual((after["h"][0], after["h"][1], after["a"][1]), (after["a"][0], mtime, mtime))
        self.plant("x")
        self.assertEqual(self.push_here(record("a", content=b"a") + record("x", "hardlink", target="a")), 1)
        self.assertEqual(looks(self.workspace)["x"][0], after["a"][0])

    def test_one_name_twice(self):
        self.push_here(record("f", content=b"old"))
        before = looks(self.workspace)["f"]
        self.push_here(record("f", content=b"new") + record("f", content=b"old"))
        self.assertEqual(looks(self.workspace)["f"], before)
        self.push_here(record("f", content=b"old") + record("f", content=b"new"))
        with open(os.path.join(self.workspace, "f"), "rb") as file:
            self.assertEqual(file.read(), b"new")

    def test_a_change_between_stage_and_commit_fails_the_commit(self):
        self.push_here(record("d/f", content=b"f") + record("l", "symlink", target="x") + record("top", content=b"t"))
        again = record("d/f", content=b"f") + record("l", "symlink", target="x") + record("top", content=b"new")

        def write():
            with open(os.path.join(self.workspace, "d/f"), "w") as file:
                file.write("F")

        def replace():
            os.unlink(os.path.join(self.workspace, "l"))
            os.symlink("y", os.path.join(self.workspace, "l"))

        def move():
            os.rename(os.path.join(self.workspace, "d"), os.path.join(self.workspace, "e"))

        for change, path in ((write, "d/f"), (replace, "l"), (move, "d/f")):
            stream, answer = self.stage(again, path=self.workspace)
            self.assertTrue(answer["ok"])
            change()
            before = looks(self.workspace)
            self.assert_error(self.wire.ask("commit", transfer=stream), "IO", errno="ESTALE", path=os.path.join(self.workspace, path))
            self.assert_nothing_staged()
            self.assertEqual(looks(self.workspace), before)
            shutil.rmtree(os.path.join(self.workspace, "e"), ignore_errors=True)
            self.push_here(record("d/f", content=b"f") + record("l", "symlink", target="x"))

    def test_a_large_file_that_changes_while_it_is_compared_fails_the_stage(self):
        big = random.Random(3).randbytes(LARGE)
        self.push_here(record("f", content=big))
        self.calm()
        content = record("f", content=big[:-1] + bytes([big[-1] ^ 1]))
        stream = self.wire.post("stage", path=self.workspace, id="a")
        self.assertEqual(self.wire.take_window(stream, CONTENT)[0], 0)
        half = len(content) // 2
        for at in range(0, half, 50_000):
            self.wire.data(stream, CONTENT, at, content[at : min(at + 50_000, half)])
        self.wire.ask("ping")
        with open(os.path.join(self.workspace, "f"), "r+b") as file:
            file.write(b"guest")
        for at in range(half, len(content), 50_000):
            self.wire.data(stream, CONTENT, at, content[at : at + 50_000])
        self.wire.eof(stream, CONTENT, len(content))
        self.assert_error(self.wire.answer(stream), "IO", errno="ESTALE", path="f")
        self.assert_nothing_staged()

    def test_nothing_is_read_through_a_link_or_from_a_special_file(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        with open(os.path.join(outside, "f"), "wb") as file:
            file.write(b"same")
        os.chmod(os.path.join(outside, "f"), 0o644)
        os.symlink(outside, os.path.join(self.workspace, "d"))
        os.symlink(os.path.join(outside, "f"), os.path.join(self.workspace, "f"))
        os.mkfifo(os.path.join(self.workspace, "p"), 0o644)
        stream, answer = self.stage(record("d/f", content=b"same"), path=self.workspace)
        self.assertEqual(answer["unchanged"], 0)
        self.assert_error(self.wire.ask("commit", transfer=stream), "UNSAFE_PATH")
        self.assertEqual(self.push_here(record("f", content=b"same") + record("p")), 0)
        self.assertFalse(os.path.islink(os.path.join(self.workspace, "f")))

    def test_any_second_push(self):
        """A second push touches only the entries that differ, however their bytes are cut."""
        chance = random.Random(5)
        sizes = [0, 1, 4_095, 4_096, 100_000, 262_144, 262_145, 700_000]
        for _ in range(25):
            shutil.rmtree(self.target, ignore_errors=True)
            first = {f"{chance.choice('abc')}/{number}": chance.randbytes(chance.choice(sizes)) for number in range(8)}
            second = {}
            for path, content in first.items():
                if content and chance.random() < 0.4:
                    at = chance.randrange(len(content))
                    content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
                second[path] = content
            self.assertTrue(self.push(b"".join(record(path, content=content) for path, content in first.items()))["ok"])
            if chance.random() < 0.5:
                self.calm()
            before = looks(self.target)
            records = b"".join(record(path, content=content) for path, content in second.items())
            answer = self.push(records, step=chance.choice([4_096, 9_999, 50_000]))
            after = looks(self.target)
            self.assertEqual(answer["unchanged"], sum(first[path] == second[path] for path in first))
            for path, content in second.items():
                with open(os.path.join(self.target, path), "rb") as file:
                    self.assertEqual(file.read(), content)
                self.assertEqual(after[path] == before[path], first[path] == content, path)


class DryRun(CommitTest):
    """A stage that only compares gives the same answer as a real one, and writes nothing."""

    def look_at(self, content, **options):
        stream, answer = self.stage(content, path=self.workspace, dry_run=True, **options)
        if answer["ok"]:
            self.assert_error(self.wire.ask("commit", transfer=stream), "BAD_REQUEST")
            self.assertEqual(self.wire.ask("cancel", transfer=stream), {"ok": True})
        return answer

    def test_counts_are_those_of_the_push(self):
        big = random.Random(8).randbytes(LARGE)
        first = (
            record("d", "directory") + record("d/f", content=b"f") + record("d/g", content=b"g") + record("big", content=big)
            + record("l", "symlink", target="x") + record("h", "hardlink", target="d/f")
        )
        second = (
            record("d", "directory") + record("d/f", content=b"f") + record("d/g", content=b"G") + record("big", content=big)
            + record("l", "symlink", target="x") + record("h", "hardlink", target="d/f") + record("h2", "hardlink", target="d/g")
            + record("new/f") + record("mode", mode=0o755)
        )
        for content in (first, first, second, first, second, second):
            newest = max((entry[2] for entry in looks(self.workspace).values()), default=0)
            wait_until(lambda: time.time_ns() > newest + 400_000_000)
            before = looks(self.workspace), os.listdir(self.workspace)
            answer = self.look_at(content)
            self.assertEqual((looks(self.workspace), os.listdir(self.workspace)), before)
            self.assertEqual(self.push_here(content), answer)

    def test_conflicts_are_found(self):
        self.plant("d/e/", "f")
        os.symlink("d", os.path.join(self.workspace, "l"))
        for content, code, errno in (
            (record("d/e"), "IO", "EISDIR"),
            (record("f", "directory"), "IO", "ENOTDIR"),
            (record("f/x"), "IO", "ENOTDIR"),
            (record("l", "directory"), "UNSAFE_PATH", "ELOOP"),
            (record("l/x"), "UNSAFE_PATH", "ELOOP"),
        ):
            self.assert_error(self.look_at(record("a") + content), code, errno=errno)
        self.assertEqual(sorted(os.listdir(self.workspace)), ["d", "f", "l"])

    def test_an_invalid_dry_run_field(self):
        self.assert_error(self.wire.ask("stage", path=self.target, id="a", dry_run=1), "BAD_REQUEST")


class Sparse(CommitTest):
    def test_blocks_of_zeros_take_no_room(self):
        chance = random.Random(6)
        one = chance.randbytes(4_096)
        shapes = {
            "all": bytes(1_000_000),
            "end": bytes(99_999) + b"z",
            "start": one + bytes(500_000),
            "middle": one + bytes(200_000 - 4_096) + one,
            "small": bytes(4_095),
        }
        self.assertTrue(self.push_here(b"".join(record(name, content=content) for name, content in shapes.items()))["ok"])
        most = {"all": 0, "end": 4_096, "start": 4_096, "middle": 12_288, "small": 4_096}
        for name, content in shapes.items():
            path = os.path.join(self.workspace, name)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), content, name)
            self.assertLessEqual(os.stat(path).st_blocks * 512, most[name], name)

    def test_any_content_in_pieces_of_any_size(self):
        chance = random.Random(7)
        for _ in range(40):
            content = b"".join(
                bytes(chance.randrange(30_000)) if chance.random() < 0.5 else chance.randbytes(chance.randrange(30_000))
                for _ in range(chance.randrange(30))
            )
            self.assertTrue(self.push_here(record("f", content=content), step=chance.choice([997, 4_096, 50_000]))["ok"])
            with open(os.path.join(self.workspace, "f"), "rb") as file:
                self.assertEqual(file.read(), content)

"""Entries whose type changed in the source: a removal makes room for the entry that takes the name."""

import itertools
import os
import stat

from files import Walking, absent, record
from test_commit import CommitTest, Failing, snapshot

KINDS = "file", "link", "directory", "full"


def entries(kind, name="x"):
    """Records of one kind of source; a full directory has a file, a link and a subdirectory, and perhaps no record of its own."""
    if kind == "file":
        return record(name, content=b"new")
    if kind == "link":
        return record(name, "symlink", target="elsewhere")
    inner = record(f"{name}/sub/f", content=b"f") + record(f"{name}/l", "symlink", target="f") + record(f"{name}/sub/g", content=b"g")
    return (record(name, "directory", mode=0o555) if kind == "directory" else b"") + (inner if kind == "full" else b"")


def removals(kind, name="x", since=(4_000_000_000, 0)):
    """The records that a host sends for entries of an earlier push that changed their type or were removed."""
    if kind in ("file", "link"):
        return absent(name, since=since)
    if kind == "directory":
        return absent(name, "absent_directory")
    inner = b"".join(absent(f"{name}/{path}", since=since) for path in ("sub/f", "l", "sub/g", "missing"))
    return inner + absent(f"{name}/sub", "absent_directory") + absent(name, "absent_directory")


class ReplaceTest(CommitTest):
    def push_like(self, content):
        """A dry run has the result of the push after it."""
        before = snapshot(self.workspace)
        stream, dry = self.stage(content, path=self.workspace, dry_run=True)
        if dry["ok"]:
            self.wire.ask("cancel", transfer=stream)
        answer = self.push_here(content)
        self.assertEqual(dry["ok"], answer["ok"], (dry, answer))
        if not answer["ok"]:
            self.assertEqual(dry["error"]["errno"], answer["error"]["errno"])
            self.assertTrue(answer["error"]["path"].endswith(dry["error"]["path"]), (dry, answer))
            self.assert_as_it_was(before)
        elif "removed" in self.committed:
            self.assertEqual((dry["removed"], dry["kept"]), (self.committed["removed"], self.committed["kept"]))
        return answer

    def empty(self):
        stream = self.wire.ask("remove", path=os.path.join(self.workspace, "x"), recursive=True)
        self.assertTrue(stream["ok"])


class Replace(ReplaceTest):
    def test_every_type_gives_way_to_every_other(self):
        for old, new in itertools.permutations(KINDS, 2):
            if {old, new} == {"directory", "full"}:
                continue
            with self.subTest(old=old, new=new):
                self.assertTrue(self.push_here(entries(old))["ok"])
                is_same_path = {old, new} == {"file", "link"}
                made_room = b"" if is_same_path else removals(old)
                answer = self.push_like(entries(new) + made_room + record("beside", content=os.urandom(3)))
                self.assertTrue(answer["ok"], answer)
                counts = None if is_same_path else (4 if old == "full" else 0, 0)
                self.assertEqual((self.committed["removed"], self.committed["kept"]) if made_room else None, counts)
                found = os.lstat(os.path.join(self.workspace, "x"))
                wanted = {"file": stat.S_IFREG, "link": stat.S_IFLNK}.get(new, stat.S_IFDIR)
                self.assertEqual(stat.S_IFMT(found.st_mode), wanted)
                if new == "full":
                    with open(os.path.join(self.workspace, "x/sub/g")) as file:
                        self.assertEqual(file.read(), "g")
                self.empty()

    def test_entries_of_the_guest_are_never_lost(self):
        self.assertTrue(self.push_here(entries("full"))["ok"])
        at = self.committed["at_s"], self.committed["at_ns"]
        inside = os.path.join(self.workspace, "x/sub")
        for make, blocker in (
            (lambda: os.mkdir(os.path.join(inside, "own")), "x/sub/own"),
            (lambda: os.symlink("/", os.path.join(inside, "a")), "x/sub/a"),
            (lambda: open(os.path.join(inside, "g"), "a").close() or os.utime(os.path.join(inside, "g")), "x/sub/g"),
        ):
            make()
            for new in ("file", "link"):
                answer = self.push_like(record("beside") + entries(new) + removals("full", since=at))
                self.assert_error(answer, "IO", errno="ENOTEMPTY")
                self.assertEqual(answer["error"]["path"], os.path.join(self.workspace, blocker))
            if blocker == "x/sub/own":
                os.rmdir(os.path.join(inside, "own"))
            elif blocker == "x/sub/a":
                os.unlink(os.path.join(inside, "a"))

    def test_a_changed_file_or_link_does_not_give_way_to_a_directory(self):
        for old in ("file", "link"):
            self.assertTrue(self.push_here(entries(old))["ok"])
            at = self.committed["at_s"], self.committed["at_ns"]
            path = os.path.join(self.workspace, "x")
            os.utime(path, ns=(7, 7), follow_symlinks=False)
            for new in ("directory", "full"):
                answer = self.push_like(entries(new) + removals(old, since=at))
                self.assertFalse(answer["ok"])
                self.assertEqual(answer["error"]["path"], path)
            self.empty()

    def test_nothing_gives_way_without_its_removal(self):
        self.assertTrue(self.push_here(entries("full"))["ok"])
        answer = self.push_like(entries("file"))
        self.assert_error(answer, "IO", errno="EISDIR", path=os.path.join(self.workspace, "x"))
        answer = self.push_like(entries("file") + absent("x", "absent_directory"))
        self.assert_error(answer, "IO", errno="ENOTEMPTY", path=os.path.join(self.workspace, "x/l"))
        self.empty()
        self.assertTrue(self.push_here(entries("link"))["ok"])
        self.assertFalse(self.push_like(entries("full"))["ok"])

    def test_below_other_directories(self):
        for old, new in (("full", "file"), ("file", "full"), ("link", "full"), ("full", "link")):
            self.assertTrue(self.push_here(entries(old, "x/y/z"))["ok"])
            answer = self.push_like(entries(new, "x/y/z") + removals(old, "x/y/z"))
            self.assertTrue(answer["ok"], answer)
            # The directories above change their type, too.
            answer = self.push_like(entries("file", "x/y") + removals(new, "x/y/z") + absent("x/y", "absent_directory"))
            self.assertTrue(answer["ok"], answer)
            self.empty()

    def test_a_link_is_replaced_and_not_followed(self):
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink(outside, os.path.join(self.workspace, "x"))
        answer = self.push_like(entries("full") + absent("x"))
        self.assertTrue(answer["ok"], answer)
        self.assertEqual(os.listdir(outside), [])
        self.assertFalse(os.path.islink(os.path.join(self.workspace, "x")))

    def test_a_directory_without_write_permission_gives_way(self):
        for old, new in (("directory", "file"), ("file", "directory")):
            self.assertTrue(self.push_here(entries(old))["ok"])
            self.assertTrue(self.push_like(entries(new) + removals(old))["ok"])
            self.empty()


class WalksReplace(Walking, Replace):
    """The same on a kernel without openat2 and renameat2."""


class FailingReplace(Failing):
    """Every system call of a push that replaces other types fails once."""

    def test_each_system_call_fails_in_turn(self):
        self.assertTrue(self.push_here(entries("full", "x") + entries("file", "y") + entries("link", "d/z"))["ok"])
        before = snapshot(self.workspace)
        content = (
            entries("file", "x") + entries("full", "y") + entries("directory", "d/z")
            + removals("full", "x") + removals("file", "y") + removals("link", "d/z")
        )
        failed = sum(1 for _ in self.fail_in_turn(content, before))
        self.assertGreater(failed, 10)

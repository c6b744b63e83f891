"""Entries that a source no longer has: the commit that brings the rest removes them, or changes nothing."""

import os
import random
import shutil
import time

from files import absent, record
from test_commit import CommitTest, Failing, snapshot


def absent_directory(path):
    return absent(path, "absent_directory")


class Removals(CommitTest):
    def names(self):
        return sorted(self.below())

    def below(self):
        return {path: entry for path, entry in snapshot(self.workspace).items() if path != "."}

    def remove(self, content):
        """The counts of a dry run equal those of the push after it."""
        before = self.below()
        stream, dry = self.stage(content, path=self.workspace, dry_run=True)
        self.wire.ask("cancel", transfer=stream)
        self.assertEqual(self.below(), before)
        self.assertTrue(self.push_here(content)["ok"])
        counts = self.committed["removed"], self.committed["kept"]
        self.assertEqual((dry["removed"], dry["kept"]), counts)
        return counts

    def test_files_links_and_directories_are_removed(self):
        self.plant("a", "d/e/f", "d/g", "keep/x")
        os.symlink("a", os.path.join(self.workspace, "l"))
        content = (
            record("new") + absent("a") + absent("d/e/f") + absent("d/g") + absent("l") + absent("missing") + absent("not/there")
            + absent_directory("d/e") + absent_directory("d") + absent_directory("missing")
        )
        self.assertEqual(self.remove(content), (6, 0))
        self.assertEqual(self.names(), ["keep", "keep/x", "new"])

    def test_entries_that_the_guest_changed_or_made_stay(self):
        self.plant("d/f", "d/changed", "d/own", "type")
        self.assertTrue(self.push_here(b"")["ok"])
        at = self.committed["at_s"], self.committed["at_ns"]
        self.assertEqual(self.wire.ask("committed", id="0"), {"ok": True, "committed": False})
        with open(os.path.join(self.workspace, "d/changed"), "a") as file:
            file.write("!")
        os.utime(os.path.join(self.workspace, "d/changed"), ns=(7, 1_500_000_000_000_000_007))
        os.unlink(os.path.join(self.workspace, "type"))
        os.mkdir(os.path.join(self.workspace, "type"))
        content = absent("d/f", since=at) + absent("d/changed", since=at) + absent("type", since=at) + absent_directory("d")
        self.assertEqual(self.remove(content), (1, 2))
        self.assertEqual(self.names(), ["d", "d/changed", "d/own", "type"])

    def test_a_change_right_after_the_answer_counts_as_later(self):
        for number in range(20):
            path = os.path.join(self.workspace, "f")
            with open(path, "w") as file:
                file.write("old")
            self.assertTrue(self.push_here(record("other", content=b"%d" % number), id=f"{number + 1:x}")["ok"])
            with open(path, "w") as file:
                file.write("new")
            known = self.wire.ask("committed", id=f"{number + 1:x}")
            self.assertEqual((known["at_s"], known["at_ns"]), (self.committed["at_s"], self.committed["at_ns"]))
            self.assertEqual(self.remove(absent("f", since=(known["at_s"], known["at_ns"]))), (0, 1))
            self.assertTrue(self.push_here(b"")["ok"])
            self.assertEqual(self.remove(absent("f", since=(self.committed["at_s"], self.committed["at_ns"]))), (1, 0))

    def test_nothing_is_removed_through_a_link(self):
        outside = os.path.join(self.folder, "outside")
        os.makedirs(os.path.join(outside, "d"))
        with open(os.path.join(outside, "f"), "w") as file:
            file.write("mine")
        os.symlink(outside, os.path.join(self.workspace, "l"))
        self.assertEqual(self.remove(absent("l/f") + absent_directory("l/d") + absent("l/f/x")), (0, 0))
        self.assertEqual(sorted(os.listdir(outside)), ["d", "f"])
        for path in ("../x", "", "/etc/passwd", ".", "a/../b"):
            self.assertIn(self.push(absent(path))["error"]["code"], ("UNSAFE_PATH", "BAD_REQUEST"))

    def test_a_failed_push_removes_nothing(self):
        self.plant("a", "d/f", "clash/x")
        before = snapshot(self.workspace)
        content = absent("a") + absent("d/f") + absent_directory("d") + record("clash")
        self.assert_error(self.push_here(content), "IO", errno="EISDIR")
        self.assert_as_it_was(before)

    def test_only_entries_are_counted(self):
        self.plant("a")
        answer = self.push_here(absent("a") + record("b"))
        self.assertEqual((answer["entries"], self.committed["removed"]), (1, 1))
        self.push_here(record("b"))
        self.assertNotIn("removed", self.committed)

    def test_any_trees(self):
        chance = random.Random(9)
        for _ in range(40):
            shutil.rmtree(self.workspace)
            os.mkdir(self.workspace)
            files = {f"{chance.choice('abc')}/{chance.choice('ab-')}/{number}" for number in range(12)} | {f"a-x/{n}" for n in range(2)}
            self.plant(*files)
            gone = {path for path in files if chance.random() < 0.5}
            folders = {os.path.dirname(path) for path in files} | {os.path.dirname(os.path.dirname(path)) for path in files} - {""}
            left = files - gone
            empty = {folder for folder in folders if not any(path.startswith(folder + "/") for path in left)}
            content = b"".join(absent(path) for path in sorted(gone)) + b"".join(absent_directory(path) for path in sorted(folders, reverse=True))
            self.assertEqual(self.remove(content), (len(gone) + len(empty), 0))
            self.assertEqual(self.names(), sorted(left | (folders - empty)))


class FailingRemovals(Failing):
    """Every system call of a push that removes fails once."""

    def test_each_system_call_fails_in_turn(self):
        self.plant("d/f", "d/e/g", "d/stays", "top", "closed/f")
        os.chmod(os.path.join(self.workspace, "closed"), 0o555)
        self.plant()
        before = snapshot(self.workspace)
        content = (
            record("d", "directory", mode=0o700) + record("d/new", content=b"new") + absent("d/f") + absent("d/e/g") + absent("top")
            + absent("closed/f") + absent_directory("d/e")
        )
        failed = sum(1 for _ in self.fail_in_turn(content, before))
        self.assertGreater(failed, 10)

"""Switching in: the workspace holds all of a push, or is unchanged, times and modes included."""

import os
import random
import shutil
import stat
import tempfile

import agent
from agent import wait_until
from files import FilesTest, Walking, record
from wire import CONTENT


def snapshot(root):
    """Everything that a failed push must leave alone."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in ["", *folders, *files]:
            path = os.path.normpath(os.path.join(folder, name))
            entry = os.lstat(path)
            content = None
            if stat.S_ISREG(entry.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            elif stat.S_ISLNK(entry.st_mode):
                content = os.readlink(path)
            found[os.path.relpath(path, root)] = (entry.st_mode, entry.st_mtime_ns, entry.st_ino, content)
    return found


class CommitTest(FilesTest):
    def plant(self, *paths):
        """Old files, with a time of their own; a path that ends in / is a directory."""
        for path in paths:
            whole = os.path.join(self.workspace, path)
            os.makedirs(whole if path.endswith("/") else os.path.dirname(whole), exist_ok=True)
            if not path.endswith("/"):
                with open(whole, "w") as file:
                    file.write("old " + path)
        for folder, folders, files in os.walk(self.workspace):
            for name in [".", *folders, *files]:
                os.utime(os.path.join(folder, name), ns=(7, 1_500_000_000_000_000_007), follow_symlinks=False)

    def push_here(self, content, **options):
        answer = self.push(content, **{"path": self.workspace, **options})
        self.assert_nothing_staged()
        return answer

    def assert_as_it_was(self, before):
        # Its time is set back just after the staged files are removed.
        wait_until(lambda: os.lstat(self.workspace).st_mtime_ns == before["."][1])
        self.assertEqual(snapshot(self.workspace), before)


class Commit(CommitTest):
    def test_nothing_is_visible_before_the_commit(self):
        self.plant("a/b/c", "f")
        before = snapshot(self.workspace)
        stream, _ = self.stage(record("a", "directory", mode=0o700) + record("a/b/c", content=b"new") + record("g"), path=self.workspace)
        shown = {path: entry for path, entry in snapshot(self.workspace).items() if not path.startswith(".pyro-staging")}
        self.assertEqual(shown, before)
        self.assertTrue(self.wire.ask("commit", transfer=stream)["ok"])
        self.assert_nothing_staged()
        after = snapshot(self.workspace)
        self.assertEqual(set(after), {*before, "g"})
        self.assertEqual(after["a/b/c"][3], b"new")
        self.assertEqual(after["f"], before["f"])
        self.assertEqual((stat.S_IMODE(after["a"][0]), after["a"][1]), (0o700, before["a"][1]))

    def test_merges_into_existing_directories(self):
        self.plant("d/keep", "d/e/keep", "x/")
        os.chmod(os.path.join(self.workspace, "x"), 0o711)
        self.assertTrue(self.push_here(record("d/e/new") + record("x/y/z", content=b"z"))["ok"])
        after = snapshot(self.workspace)
        self.assertEqual(after["d/keep"][3], b"old d/keep")
        self.assertEqual(after["x/y/z"][3], b"z")
        self.assertEqual(stat.S_IMODE(after["x"][0]), 0o711)
        self.assertEqual(after["d"][1], 1_500_000_000_000_000_007)  # nothing was added in it

    def test_directories_get_the_mode_and_time_of_their_records(self):
        content = (
            record("r/s/f", content=b"f") + record("r/s", "directory", mode=0o500, mtime_s=5) + record("r", "directory", mode=0o555, mtime_s=6)
            + record("r/t/g") + record(".", "directory", mode=0o710, mtime_s=8)
        )
        for _ in range(2):  # the second time onto the first
            self.assertTrue(self.push(content)["ok"])
            for path, mode, mtime in ((".", 0o710, 8), ("r", 0o555, 6), ("r/s", 0o500, 5), ("r/t", 0o755, None)):
                entry = os.stat(self.at(path))
                self.assertEqual(stat.S_IMODE(entry.st_mode), mode, path)
                if mtime:
                    self.assertEqual(entry.st_mtime_ns, mtime * 10**9 + 5, path)

    def test_a_conflict_changes_nothing(self):
        self.plant("d/e/f", "d/g/", "l/x")
        os.symlink("d", os.path.join(self.workspace, "link"))
        self.plant()
        before = snapshot(self.workspace)
        for bad, code, errno, path in (
            (record("d/g"), "IO", "EISDIR", "d/g"),
            (record("d/e/f", "directory"), "IO", "ENOTDIR", "d/e/f"),
            (record("d/e/f/g"), "IO", "ENOTDIR", "d/e/f"),
            (record("link/x"), "UNSAFE_PATH", "ELOOP", "link"),
            (record("l", "symlink", target="d"), "IO", "EISDIR", "l"),
        ):
            for content in (bad + record("d/e/new") + record("a"), record("a") + record("d/e/new") + bad):
                answer = self.push_here(content)
                self.assert_error(answer, code, errno=errno, path=os.path.join(self.workspace, path))
                self.assert_as_it_was(before)

    def test_the_outcome_of_a_commit_can_be_asked_for_later(self):
        ids = [f"{number:x}" for number in range(1, 66)]
        self.assertEqual(self.wire.ask("committed", id="1"), {"ok": True, "committed": False})
        stream, _ = self.stage(b"", id="ff")
        self.wire.ask("cancel", transfer=stream)
        self.assert_nothing_staged()
        self.plant("d/")
        self.assertFalse(self.push_here(record("d"), id="fe")["ok"])
        for id in ids:
            self.assertTrue(self.push(b"", id=id)["ok"])
        self.wire.sync()
        for id, is_known in (("1", False), ("2", True), (ids[-1], True), ("ff", False), ("fe", False)):
            self.assertEqual(self.wire.ask("committed", id=id)["committed"], is_known, id)

    def test_only_complete_stages_are_committed(self):
        stream = self.wire.post("stage", path=self.target, id="a")
        self.wire.take_window(stream, CONTENT)
        self.assert_error(self.wire.ask("commit", transfer=stream), "BAD_REQUEST")
        self.wire.eof(stream, CONTENT, 0)
        self.assertTrue(self.wire.answer(stream)["ok"])
        self.assertTrue(self.wire.ask("commit", transfer=stream)["ok"])
        self.assert_error(self.wire.ask("commit", transfer=stream), "BAD_REQUEST")

    def test_a_workspace_that_changed_since_the_stage(self):
        stream, _ = self.stage(record("d/f", content=b"new"))
        outside = os.path.join(self.folder, "outside")
        os.mkdir(outside)
        os.symlink(outside, self.target)
        self.assert_error(self.wire.ask("commit", transfer=stream), "UNSAFE_PATH", path=self.target)
        self.assertEqual(os.listdir(outside), [])
        self.assertTrue(os.path.islink(self.target))

    def test_any_trees(self):
        random.seed(4)
        names = ["a", "b", "c"]

        def tree(depth):
            return {name: tree(depth - 1) if depth and random.random() < 0.5 else os.urandom(2).hex() for name in names if random.random() < 0.7}

        def write(at, folder):
            os.makedirs(at, exist_ok=True)
            for name, value in folder.items():
                if isinstance(value, dict):
                    write(os.path.join(at, name), value)
                else:
                    with open(os.path.join(at, name), "w") as file:
                        file.write(value)

        def records(folder, prefix=""):
            return b"".join(
                record(prefix + name, "directory") + records(value, prefix + name + "/")
                if isinstance(value, dict) else record(prefix + name, content=value.encode())
                for name, value in folder.items()
            )

        def merged(old, new):
            """None when they clash."""
            both = dict(old)
            for name, value in new.items():
                if name in old and isinstance(value, dict) != isinstance(old[name], dict):
                    return None
                both[name] = merged(old[name], value) if isinstance(value, dict) and name in old else value
                if both[name] is None:
                    return None
            return both

        def read(at):
            return {
                name: read(os.path.join(at, name)) if os.path.isdir(os.path.join(at, name)) else open(os.path.join(at, name)).read()
                for name in os.listdir(at)
            }

        outcomes = set()
        for _ in range(60):
            shutil.rmtree(self.target, ignore_errors=True)
            old, new = tree(3), tree(3)
            write(self.target, old)
            before, expected = snapshot(self.target), merged(old, new)
            answer = self.push(records(new))
            outcomes.add(answer["ok"])
            self.assertEqual(answer["ok"], expected is not None)
            if expected is None:
                self.assertEqual(snapshot(self.target), before)
            else:
                self.assertEqual(read(self.target), expected)
        self.assertEqual(outcomes, {True, False})


class WalkingCommit(Walking, Commit):
    """The same on a kernel that has no openat2 and no renameat2."""


class Failing(CommitTest):
    """Every system call of a push fails once."""

    def setUp(self):
        known, agent.BINARY = agent.BINARY, "build/pyro-agent-fails"
        self.count = tempfile.NamedTemporaryFile("w", prefix="pyro-fail-")
        self.addCleanup(self.count.close)
        agent.ENVIRONMENT["PYRO_FAIL_AT"] = self.count.name
        try:
            super().setUp()
        finally:
            agent.BINARY = known
            del agent.ENVIRONMENT["PYRO_FAIL_AT"]

    def fail_at(self, call):
        with open(self.count.name, "w") as file:
            file.write(f"{call}\n")

    def fail_in_turn(self, content, before):
        """The answers of a push whose system calls fail one after the other, each without a change; then it succeeds."""
        for call in range(1, 1000):
            self.fail_at(call)
            answer = self.push_here(content)
            if answer["ok"]:
                return
            self.fail_at(0)
            self.assert_as_it_was(before)
            yield answer
        self.fail("the push did not succeed")

    def test_each_system_call_fails_in_turn(self):
        self.plant("d/e/f", "d/e/keep", "d/g/h", "closed/f", "top")
        os.chmod(os.path.join(self.workspace, "closed"), 0o555)
        self.plant()
        before = snapshot(self.workspace)
        content = (
            record("d", "directory", mode=0o700) + record("d/e/f", content=b"new") + record("d/e", "directory", mode=0o500)
            + record("d/e/added") + record("d/g/h", "symlink", target="x") + record("closed/f", content=b"new") + record("closed/z/y")
            + record("top", content=b"new") + record("fresh/x/y", mode=0o666) + record(".", "directory", mode=0o750)
        )
        failed = 0
        for answer in self.fail_in_turn(content, before):
            failed += 1
            self.assert_error(answer, "IO", errno="ENOSPC")
        self.assertGreater(failed, 40)
        after = snapshot(self.workspace)
        self.assertEqual([stat.S_IMODE(after[path][0]) for path in (".", "d", "d/e", "closed")], [0o750, 0o700, 0o500, 0o555])
        self.assertEqual(after["d/e/f"][3], b"new")


class SmallDisk(CommitTest):
    """The workspace is a file system of its own with room for little, in a mount namespace of the agent's."""

    def make_workspace(self):
        super().make_workspace()
        mount = f"mount -t tmpfs -o size=1m,nr_inodes=60 pyro {self.workspace} && exec \"$@\""
        self.wrapper = ("unshare", "-Urm", "sh", "-c", mount, "sh")

    def setUp(self):
        super().setUp()
        self.seen = self.workspace  # by the agent
        self.workspace = f"/proc/{self.process.pid}/root{self.workspace}"

    def push_here(self, content):
        return super().push_here(content, path=self.seen)

    def test_a_full_disk(self):
        self.plant("d/f", "e/g")
        before = snapshot(self.workspace)
        for content in (record("big", content=os.urandom(2 << 20)), b"".join(record(f"many/{i}") for i in range(80))):
            self.assert_error(self.push_here(record("d/f", content=b"new") + content), "IO", errno="ENOSPC")
            self.assert_as_it_was(before)
        self.assertTrue(self.push_here(record("d/f", content=b"new"))["ok"])

    def test_a_mount_in_the_workspace(self):
        self.plant("d/mounted/", "d/f")
        self.wire.run(f"mount -t tmpfs none {self.seen}/d/mounted")
        before = snapshot(self.workspace)
        answer = self.push_here(record("d/f", content=b"new") + record("d/mounted/x"))
        self.assert_error(answer, "IO", path=self.seen + "/d/mounted")
        self.assertIn(answer["error"]["errno"], ("EBUSY", "EXDEV"))
        self.assert_as_it_was(before)
        self.assertTrue(self.push_here(record("d/f", content=b"new"))["ok"])

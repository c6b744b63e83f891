"""Walks a source directory once, and lists the entries to send and those that cannot be sent."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ._filter import Excludes
from ._git_data import find_git_data
from ._leaving import leaves_tree
from ._live import has_disappeared
from ._report import Names, Report, unsendable

_ENTRIES = 1_000_000
_PATH_BYTES = 4_096
_NAME_BYTES = 255
_CHOICES = ("skip", "follow", "refuse")

OnScan = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """One entry to send."""

    path: str
    elsewhere: str | None
    """Its path on this host, if it differs from the path beneath the root. Up to a million names are kept, so no path is stored twice."""
    is_directory: bool
    text: str | None = None
    """The content to send instead of the file's."""

    def absolute(self, root: str) -> str:
        return self.elsewhere or os.path.join(root, self.path)


@dataclass(frozen=True, slots=True)
class _Part:
    """One of several directories that are put together."""

    top: str
    """Its path in the source."""
    belongs: Callable[[str], bool]
    """Which of its entries are sent, by their paths in it."""
    seen: set[str]
    """Paths that other directories have brought."""


class Scanner:
    """Lists a tree in the order in which it is sent, directories before their content."""

    def __init__(
        self, excludes: Excludes | None, links: str | None, report: Report, on_scan: OnScan, with_git: bool = False
    ) -> None:
        self._excludes_name = excludes
        self._links = links
        self.report = report
        self._on_scan = on_scan
        self._with_git = with_git
        self._problems: dict[str, Names] = {}
        self._inodes: set[tuple[int, int]] = set()
        self.root = ""
        self.plan: list[Planned] = []
        self.excluded = 0
        self.content_bytes = 0

    def scan(self, root: str) -> None:
        """Raises, naming all entries, when something cannot be sent."""
        self.root = root
        self._walk(root, root, "", [])
        self._raise_problems()

    def scan_file(self, name: str, path: str) -> None:
        """The same for one file, whose name in the tree is given."""
        self.root = os.path.dirname(path)
        if not self._excludes(name, False):
            self._add(name, path, os.stat(path), None)
        self._raise_problems()

    def _raise_problems(self) -> None:
        for code, names in self._problems.items():
            raise unsendable(code, names)

    def _walk(self, root: str, directory: str, path: str, before: Sequence[str], part: _Part | None = None) -> None:
        """`before`: the directories that hold the links on the way here. Following a link to one of them would never end."""
        try:
            names = sorted(os.listdir(directory), key=os.fsencode)
        except OSError as error:
            self._add_unreadable(path or ".", error)
            return
        for name in names:
            inner = f"{path}/{name}" if path else name
            absolute = os.path.join(directory, name)
            try:
                status = os.lstat(absolute)
                target = os.readlink(absolute) if stat.S_ISLNK(status.st_mode) else None
            except OSError as error:
                if not self._excludes(inner, False):
                    self._add_unreadable(inner, error)
                continue
            if part is not None and not part.belongs(inner[len(part.top) + 1 :]):
                continue
            if self._excludes(inner, stat.S_ISDIR(status.st_mode)):
                continue
            if len(self.plan) > _ENTRIES:
                return
            if part is not None and inner in part.seen:
                if stat.S_ISDIR(status.st_mode):
                    self._walk(root, absolute, inner, before, part)
                continue
            if part is not None:
                part.seen.add(inner)
            elif name == ".git" and self._with_git and self._add_git(inner, absolute):
                continue
            leaves = self._links in _CHOICES and target is not None
            if not leaves or not leaves_tree(root, absolute, target or "", self._links == "follow"):
                if self._add(inner, absolute, status, target):
                    self._walk(root, absolute, inner, before, part)
            elif self._links == "follow":
                self._follow(inner, absolute, before)
            elif self._links == "skip":
                self.report.leaving_links.add(inner)
            else:
                self._add_problem("ARCHIVE_LINK_ESCAPES", inner)

    def _add_git(self, path: str, absolute: str) -> bool:
        """Sends a ``.git`` with all of its data, if its data is in several places."""
        try:
            data = find_git_data(absolute, self.root)
        except OSError:
            return False
        if data is None:
            return False
        seen: set[str] = set()
        self._add(path, data.git_directory, os.stat(data.git_directory), None)
        self._walk(data.git_directory, data.git_directory, path, [], _Part(path, data.belongs, seen))
        if data.common_directory:
            common = _Part(path, data.belongs_to_worktree, seen)
            self._walk(data.common_directory, data.common_directory, path, [], common)
        for directory in data.alternates:
            objects = f"{path}/objects"
            self._walk(directory, directory, objects, [], _Part(objects, lambda name: name != "info", seen))
        for name, source, text in data.rewritten:
            self.plan.append(Planned(f"{path}/{name}", source, False, text))
            self.content_bytes += len(text.encode(errors="surrogateescape"))
        return True

    def _follow(self, path: str, link: str, before: Sequence[str]) -> None:
        before = [*before, os.path.dirname(link)]
        try:
            real = os.path.realpath(link, strict=True)
            status = os.stat(real)
        except OSError as error:
            if has_disappeared(error):
                self.report.dead_links.add(path)
            else:
                self._add_problem("SOURCE_UNREADABLE", path)
            return
        if stat.S_ISDIR(status.st_mode):
            if any(_is_within(directory, real) for directory in before):
                self.report.dead_links.add(path)
                return
            if self._excludes(path, True):
                return
        if self._add(path, real, status, None):
            self._walk(real, real, path, before)

    def _add(self, path: str, absolute: str, status: os.stat_result, target: str | None) -> bool:
        """True when the entry is a directory, whose entries follow."""
        is_file, is_directory = stat.S_ISREG(status.st_mode), stat.S_ISDIR(status.st_mode)
        if not is_file and not is_directory and target is None:
            self.report.special.add(path)
            return False
        problem = self._problem_of(path, absolute, is_file, target)
        if problem:
            self._add_problem(problem, path)
            # If a directory's name is not text, the paths of its entries are not text either.
            return is_directory and problem != "ARCHIVE_NAME_INVALID"
        inode = (status.st_dev, status.st_ino)
        if is_file and (status.st_nlink == 1 or inode not in self._inodes):
            self.content_bytes += status.st_size
        if is_file and status.st_nlink > 1:
            self._inodes.add(inode)
        elsewhere = None if absolute == os.path.join(self.root, path) else absolute
        self.plan.append(Planned(path, elsewhere, is_directory))
        self._on_scan(len(self.plan))
        if len(self.plan) > _ENTRIES:
            self._add_problem("ARCHIVE_TOO_MANY_ENTRIES", path)
        return is_directory

    def _problem_of(self, path: str, absolute: str, is_file: bool, target: str | None) -> str | None:
        try:
            size, name_size = len(path.encode()), len(path.rpartition("/")[2].encode())
            (target or "").encode()
        except UnicodeEncodeError:
            return "ARCHIVE_NAME_INVALID"
        if size > _PATH_BYTES or name_size > _NAME_BYTES:
            return "ARCHIVE_PATH_TOO_LONG"
        if is_file and not os.access(absolute, os.R_OK) and os.path.lexists(absolute):
            return "SOURCE_UNREADABLE"
        return None

    def _excludes(self, path: str, is_directory: bool) -> bool:
        excluded = self._excludes_name is not None and self._excludes_name(path, is_directory)
        self.excluded += excluded
        return excluded

    def _add_unreadable(self, path: str, error: OSError) -> None:
        # A tree in use loses names at any time; the root itself must be there.
        if path != "." and has_disappeared(error):
            self.report.disappeared.add(path)
        else:
            self._add_problem("SOURCE_UNREADABLE", path)

    def _add_problem(self, code: str, path: str) -> None:
        self._problems.setdefault(code, Names()).add(path)


def _is_within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")

"""Finds the parts of a ``.git`` in several places, so that a working one can be sent."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_POINTER_BYTES = 8_192
"""The longest ``.git`` file that is read."""
_ALTERNATES_DEEP = 5
"""Maximum length of a chain of repositories that borrow from each other, as in Git."""
_COMMON = frozenset(
    ("branches", "config", "hooks", "info", "lfs", "logs", "objects")
    + ("packed-refs", "refs", "remotes", "rr-cache", "shallow", "svn")
)
"""The parts of a common directory that a worktree uses; HEAD, the index and unfinished operations are its own."""
_OF_ONE_WORKTREE = re.compile(r"info/sparse-checkout|logs/HEAD|(logs/)?refs/(bisect|rewritten|worktree)")
_NOT_OF_A_REPOSITORY = frozenset(("commondir", "gitdir", "locked", "modules", "worktrees", "index.lock"))


@dataclass(frozen=True)
class GitData:
    """The parts of a ``.git``."""

    git_directory: str
    """HEAD, the index, and all the rest unless there is a common directory."""
    common_directory: str | None
    """The repository that a worktree shares with others."""
    alternates: list[str]
    """Object directories that are borrowed from."""
    is_moved: bool
    """True when all of its data is elsewhere, not only its objects."""
    rewritten: list[tuple[str, str, str]]
    """Configuration files as the new place needs them: name, path on this host, content."""

    def belongs(self, path: str) -> bool:
        """Whether an entry of the Git directory belongs into the one ``.git`` that is sent."""
        if path == "objects/info/alternates":
            return not self.alternates
        is_settled = path in _NOT_OF_A_REPOSITORY or any(path == name for name, _, _ in self.rewritten)
        return not (self.is_moved and is_settled)

    def belongs_to_worktree(self, path: str) -> bool:
        """The same for an entry of the common directory."""
        if path == "config" or (path == "objects/info/alternates" and self.alternates):
            return False
        return path.partition("/")[0] in _COMMON and not _OF_ONE_WORKTREE.fullmatch(path)


def find_git_data(path: str, root: str) -> GitData | None:
    """The parts of a ``.git`` that does not hold all of its data; None for one that is complete, and for one that leads nowhere.

    ``root`` is the source: data within it is sent anyway, so a relative ``.git`` file that points there is complete. Raises OSError.
    """
    found = _find_git_directory(path, root)
    if found is None:
        return None
    git_directory, is_moved = found
    common = _read(os.path.join(git_directory, "commondir"))
    common_directory = None if common is None else _real(git_directory, common.rstrip())
    # With the reftable format the references of a worktree are in several files that cannot be joined.
    if common_directory is not None and os.path.exists(os.path.join(git_directory, "reftable")):
        return None
    shared = common_directory or git_directory
    alternates = list(dict.fromkeys(_find_alternates(os.path.join(shared, "objects"), 0)))
    if not is_moved and not alternates:
        return None
    rewritten = []
    for source in (os.path.join(shared, "config"), os.path.join(git_directory, "config.worktree")):
        text = _read(source) if is_moved else None
        if text is not None:
            rewritten.append((os.path.basename(source), source, _settle(text)))
    return GitData(git_directory, common_directory, alternates, is_moved, rewritten)


def _find_git_directory(path: str, root: str) -> tuple[str, bool] | None:
    if os.path.isdir(path) and not os.path.islink(path):
        return path, False
    target = os.path.realpath(path, strict=True)
    if not os.path.islink(path):
        if os.path.getsize(path) > _POINTER_BYTES:
            return None
        match = re.match(r"gitdir: (.*)", _read(path) or "")
        if match is None:
            return None
        target = _real(os.path.dirname(path), match[1].rstrip())
        if not match[1].startswith("/") and target.startswith(f"{root}/"):
            return None
    has = {name for name in ("HEAD", "objects", "commondir") if os.path.exists(os.path.join(target, name))}
    return (target, True) if "HEAD" in has and len(has) > 1 else None


def _find_alternates(objects: str, depth: int) -> list[str]:
    if depth > _ALTERNATES_DEEP:
        return []
    found = []
    for line in (_read(os.path.join(objects, "info/alternates")) or "").split("\n"):
        if line and not line.startswith("#"):
            try:
                directory = _real(objects, line)
            except OSError:
                continue
            found += [directory, *_find_alternates(directory, depth + 1)]
    return found


def _settle(config: str) -> str:
    """The configuration of a ``.git`` that is sent: its work tree is the directory above. The last value of a setting counts."""
    worktree = "\tworktree = ..\n" if re.search(r"^\s*worktree\s*=", config, re.IGNORECASE | re.MULTILINE) else ""
    return f"{config.removesuffix(chr(10))}\n[core]\n\tbare = false\n{worktree}"


def _real(base: str, target: str) -> str:
    return os.path.realpath(os.path.join(base, target), strict=True)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except OSError:
        return None

"""Lists the files of a work tree that Git tracks, and those it would offer to add, with the host's ``git``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from ._errors import PyroError

_SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat")
"""No hook, no file system monitor and no pager of the repository's own runs."""
_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}
_SUBMODULE = "160000"


class GitFiles:
    """Paths relative to the source. Files that match ``include`` are added even if Git ignores them."""

    def __init__(self, root: str, include: Sequence[str]) -> None:
        self._root = root
        self._files: set[str] = set()
        self._directories: set[str] = set()
        self._data: list[str] = []
        """The ``.git`` of the work tree and of each repository in it."""
        self._add_repository("")
        if include:
            patterns = [f"--exclude={pattern}" for pattern in include]
            for name in _lines(_run(root, ["ls-files", "-z", "--others", "--ignored", *patterns]).stdout):
                self._add(name)

    def has(self, path: str, is_directory: bool) -> bool:
        return path in (self._directories if is_directory else self._files)

    def is_data(self, path: str) -> bool:
        """True for the data of a repository: its ``.git`` and the entries in it."""
        return any(path == data or path.startswith(f"{data}/") for data in self._data)

    def _add_repository(self, path: str) -> None:
        directory = os.path.join(self._root, path) if path else self._root
        tracked = _run(directory, ["ls-files", "-z", "--stage"])
        others = _run(directory, ["ls-files", "-z", "--others", "--exclude-standard"])
        if tracked.returncode != 0 or others.returncode != 0:
            if path:
                return
            raise _no_work_tree(self._root, tracked.stderr or others.stderr)
        within = f"{path}/" if path else ""
        self._data.append(f"{within}.git")
        repositories = []
        for line in _lines(tracked.stdout):
            mode, _, name = line.partition("\t")
            if mode.startswith(_SUBMODULE):
                repositories.append(within + name)
            else:
                self._add(within + name)
        for name in _lines(others.stdout):
            if name.endswith("/"):
                repositories.append(within + name[:-1])
            else:
                self._add(within + name)
        for repository in repositories:
            self._add_directory(repository)
            if _is_repository(os.path.join(self._root, repository)):
                self._add_repository(repository)

    def _add(self, path: str) -> None:
        self._files.add(path)
        self._add_directory(os.path.dirname(path))

    def _add_directory(self, path: str) -> None:
        while path and path not in self._directories:
            self._directories.add(path)
            path = os.path.dirname(path)


def _is_repository(directory: str) -> bool:
    """True for the top of a work tree: in an empty submodule Git would list the repository around it."""
    found = _run(directory, ["rev-parse", "--show-prefix"])
    return found.returncode == 0 and not found.stdout.strip()


def _lines(output: bytes) -> list[str]:
    return [os.fsdecode(line) for line in output.split(b"\0") if line]


def _run(directory: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG_")
    }
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    try:
        return subprocess.run(
            ["git", "-C", directory, *settings, *arguments],
            env={**kept, **_QUIET},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise PyroError(
            "HOST_NOT_ABLE",
            "`--git-tracked` and `--with-git` need `git`, which this machine lacks.",
            "Install git, or choose the files with `--exclude`.",
        ) from error


def _no_work_tree(root: str, stderr: bytes) -> PyroError:
    said = (stderr.decode(errors="replace").strip().split("\n") or [""])[0].removeprefix("fatal: ")
    return PyroError(
        "SOURCE_UNSUPPORTED",
        f"Git cannot list the files of {root}: {said}",
        "Name a directory in a Git work tree, or leave out --git-tracked and choose the files with --exclude.",
        {"path": root},
    )

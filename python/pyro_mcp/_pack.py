"""Packs a directory of this machine as a tar stream, or reads an archive. Links are kept as links unless asked otherwise."""

from __future__ import annotations

import copy
import errno
import os
import stat
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ._directory import Write, send_tree
from ._errors import PyroError
from ._filter import Excludes, create_filter
from ._git import note_git
from ._git_files import GitFiles
from ._live import identity
from ._report import Report, changed, unreadable
from ._scan import OnScan, Scanner

_ARCHIVES = (".tar", ".tar.gz", ".tgz")
_BLOCK_BYTES = 65_536
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Source:
    """The stream of a source, and the fields that describe it to the daemon."""

    path: str
    kind: str
    send: Callable[[Write], None]
    """Writes the whole stream; raises when the source cannot be packed."""
    report: Callable[[], dict[str, object]]
    """The fields of the result that only the packer knows, once all was written."""
    excluded: int = 0
    """The number of entries that are left out."""
    content_bytes: int | None = None
    """Bytes of its files, when that is known before it is read."""

    def facts(self) -> dict[str, object]:
        known = {} if self.content_bytes is None else {"source_bytes": self.content_bytes}
        return {"source_path": self.path, "source_kind": self.kind, "source_excluded": self.excluded, **known}


def open_source(
    path: str,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    links: str | None = None,
    on_scan: OnScan = lambda _: None,
    git_tracked: bool = False,
    with_git: bool = False,
    as_file: bool = False,
) -> Source:
    """Checks the source. Raises SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_UNSUPPORTED."""
    resolved = os.path.realpath(path)
    try:
        status = os.stat(resolved)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _NOT_THERE:
            raise unreadable(path) from error
        raise PyroError("SOURCE_NOT_FOUND", f"The source {path} does not exist.", _CHECK_PATH, {"path": path}) from None
    excludes = create_filter(exclude, include)
    is_directory = stat.S_ISDIR(status.st_mode)
    if (git_tracked or with_git) and not is_directory:
        raise _unsupported(path, "is not a directory; --git-tracked and --with-git need one")
    if with_git and not os.path.lexists(os.path.join(resolved, ".git")):
        raise _no_git(resolved)
    tracked = GitFiles(resolved, include) if git_tracked else None
    leaves_out = _join(excludes, tracked, with_git)

    def open_tree(kind: str, scan: Callable[[Scanner], None]) -> Source:
        source = _open_tree(kind, resolved, Scanner(leaves_out, links, Report(), on_scan, with_git), scan)
        # If the daemon filters the entries, the size of the rest is not known here.
        return replace(source, content_bytes=None) if exclude and excludes is None else source

    if is_directory:
        return open_tree("directory", lambda scanner: _scan_directory(scanner, resolved))
    if not stat.S_ISREG(status.st_mode):
        raise _unsupported(path, "is neither a directory nor a regular file")
    if as_file or not path.lower().endswith(_ARCHIVES) and not resolved.lower().endswith(_ARCHIVES):
        return open_tree("file", lambda scanner: scanner.scan_file(os.path.basename(path), resolved))
    try:
        with open(resolved, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise unreadable(path) from error
    if start[:2] != b"\x1f\x8b" and not _looks_like_tar(start):
        raise _unsupported(path, "is not a tar archive, plain or gzipped")
    return Source(resolved, "archive", lambda write: _send_archive(path, resolved, write), Report().render)


def _join(excludes: Excludes | None, tracked: GitFiles | None, with_git: bool) -> Excludes | None:
    """With a list of tracked files, everything else is left out too."""
    if tracked is None:
        return excludes

    def joined(path: str, is_directory: bool) -> bool:
        if excludes is not None and excludes(path, is_directory):
            return True
        return not tracked.has(path, is_directory) and not (with_git and tracked.is_data(path))

    return joined


def _scan_directory(scanner: Scanner, root: str) -> None:
    scanner.scan(root)
    note_git(root, scanner.plan, scanner.report)


def _open_tree(kind: str, root: str, scanner: Scanner, scan: Callable[[Scanner], None]) -> Source:
    scan(scanner)
    report = scanner.report

    def send(write: Write) -> None:
        # If the daemon is replaced during the call, everything is sent once more.
        nonlocal report
        report = copy.deepcopy(scanner.report)
        send_tree(root, scanner.root, scanner.plan, report, write)

    return Source(root, kind, send, lambda: report.render(), scanner.excluded, scanner.content_bytes)


def _send_archive(path: str, resolved: str, write: Write) -> None:
    try:
        with open(resolved, "rb") as file:
            before = identity(os.fstat(file.fileno()))
            while data := file.read(_BLOCK_BYTES):
                write(data)
            if identity(os.fstat(file.fileno())) != before:
                raise changed(path)
    except FileNotFoundError as error:
        raise changed(path) from error
    except OSError as error:
        raise unreadable(path) from error


def _looks_like_tar(start: bytes) -> bool:
    if len(start) == tarfile.BLOCKSIZE and not any(start):
        return True
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


_CHECK_PATH = "Check the path; it must exist on the machine that runs the client."


def _no_git(root: str) -> PyroError:
    hint = "With --with-git, name the top directory of a Git work tree."
    return PyroError("SOURCE_UNSUPPORTED", f"There is no .git in {root}.", hint, {"path": root})


def _unsupported(path: str, why: str) -> PyroError:
    hint = "Name a directory, a file, or an archive (.tar, .tar.gz, .tgz). To push an archive as a file, push its directory."
    return PyroError("SOURCE_UNSUPPORTED", f"{path} {why}.", hint, {"path": path})

"""Packs a directory of this machine as a tar stream, or reads an archive. Links are kept as links, never followed."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from ._errors import PyroError
from ._filter import Excludes, create_filter

Write = Callable[[bytes], object]

_ARCHIVES = (".tar", ".tar.gz", ".tgz")
_BLOCK_BYTES = 65_536
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Source:
    """What is sent, and what the daemon is told of it."""

    path: str
    kind: str
    send: Callable[[Write], None]
    """Writes all of it. That it returns is the proof that nothing changed meanwhile."""
    excluded: int = 0
    """How much of it is left out."""

    def facts(self) -> dict[str, object]:
        return {"source_path": self.path, "source_kind": self.kind, "source_excluded": self.excluded}


def open_source(path: str, exclude: Sequence[str] = (), include: Sequence[str] = ()) -> Source:
    """Looks the source over. Raises SOURCE_NOT_FOUND, SOURCE_UNREADABLE, SOURCE_UNSUPPORTED."""
    resolved = os.path.realpath(path)
    try:
        status = os.stat(resolved)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _NOT_THERE:
            raise _unreadable([path]) from error
        raise PyroError("SOURCE_NOT_FOUND", f"There is no {path}.", _CHECK_PATH, {"path": path}) from None
    if stat.S_ISDIR(status.st_mode):
        return _open_directory(resolved, create_filter(exclude, include))
    if not stat.S_ISREG(status.st_mode):
        raise _unsupported(path, "is neither a directory nor a regular file")
    if not path.lower().endswith(_ARCHIVES) and not resolved.lower().endswith(_ARCHIVES):
        raise _unsupported(path, "is a file, and its name does not end in .tar, .tar.gz or .tgz")
    try:
        with open(resolved, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise _unreadable([path]) from error
    if start[:2] != b"\x1f\x8b" and not _looks_like_tar(start):
        raise _unsupported(path, "is no tar archive, gzipped or not")
    return Source(resolved, "archive", lambda write: _send_archive(path, resolved, write))


def _open_directory(root: str, excludes: Excludes | None) -> Source:
    left_out: set[str] = set()
    if excludes:
        for _ in _walk(root, excludes, left_out):
            pass
    return Source(root, "directory", lambda write: _send_directory(root, excludes, write), len(left_out))


def _send_archive(path: str, resolved: str, write: Write) -> None:
    try:
        with open(resolved, "rb") as file:
            before = _identity(os.fstat(file.fileno()))
            while data := file.read(_BLOCK_BYTES):
                write(data)
            if _identity(os.fstat(file.fileno())) != before:
                raise _changed(path)
    except FileNotFoundError as error:
        raise _changed(path) from error
    except OSError as error:
        raise _unreadable([path]) from error


def _send_directory(root: str, excludes: Excludes | None, write: Write) -> None:
    writer = cast(BinaryIO, _Writer(write))
    with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK_BYTES) as archive:
        for path, absolute in _walk(root, excludes, set()):
            try:
                info = archive.gettarinfo(absolute, path)
                if info is None:  # A socket, for which tar has no type: the daemon is to refuse it, unless it is left out.
                    info = tarfile.TarInfo(path)
                    info.type = tarfile.FIFOTYPE
                _add(archive, info, absolute)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise _changed(path) from error
            except OSError as error:
                raise _unreadable([path]) from error


def _add(archive: tarfile.TarFile, info: tarfile.TarInfo, absolute: str) -> None:
    status = os.lstat(absolute)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode &= 0o777
    info.pax_headers = {"mtime": _seconds(status.st_mtime_ns)}
    if not info.isreg():
        archive.addfile(info)
        return
    descriptor = os.open(absolute, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        before = _identity(os.fstat(file.fileno()))
        if before[0] != info.size:
            raise _changed(info.name)
        try:
            archive.addfile(info, file)
        except OSError as error:
            if error.errno is None:  # tarfile's own: the file ended early.
                raise _changed(info.name) from error
            raise
        if _identity(os.fstat(file.fileno())) != before:
            raise _changed(info.name)


def _walk(root: str, excludes: Excludes | None, left_out: set[str], below: str = "") -> Iterator[tuple[str, str]]:
    """Every name beneath a directory, a directory before what lies in it, in the same order each time; what is excluded is noted."""
    try:
        names = sorted(os.listdir(os.path.join(root, below)), key=os.fsencode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _changed(below or ".") from error
    except OSError as error:
        raise _unreadable([below or "."]) from error
    for name in names:
        path = f"{below}/{name}" if below else name
        absolute = os.path.join(root, path)
        is_directory = os.path.isdir(absolute) and not os.path.islink(absolute)
        if excludes and excludes(path, is_directory):
            left_out.add(path)
            continue
        yield path, absolute
        if is_directory:
            yield from _walk(root, excludes, left_out, path)


class _Writer:
    """As much of a file as tarfile writes to."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(data)
        return len(data)


def _looks_like_tar(start: bytes) -> bool:
    if len(start) == tarfile.BLOCKSIZE and not any(start):
        return True
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _seconds(nanoseconds: int) -> str:
    """Exact seconds as a decimal fraction, which a float could not hold."""
    sign = "-" if nanoseconds < 0 else ""
    seconds, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{sign}{seconds}.{rest:09d}" if rest else f"{sign}{seconds}"


_CHECK_PATH = "Check the path; it is one of the machine that runs the client."


def _unreadable(entries: list[str]) -> PyroError:
    message = f"{len(entries)} of the source cannot be read: {', '.join(entries)}."
    hint = "Make the entries named readable, or leave them out with `--exclude`."
    return PyroError("SOURCE_UNREADABLE", message, hint, {"entries": entries, "count": len(entries)})


def _unsupported(path: str, why: str) -> PyroError:
    hint = "Name a directory, or a .tar, .tar.gz or .tgz file."
    return PyroError("SOURCE_UNSUPPORTED", f"{path} {why}.", hint, {"path": path})


def _changed(entry: str) -> PyroError:
    message = f"The source changed while it was packed: {entry}."
    return PyroError("SOURCE_CHANGED", message, "Try again when nothing writes to the source.", {"entries": [entry]})

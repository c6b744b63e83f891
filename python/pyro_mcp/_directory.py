"""Sends a directory or a file as a tar stream, each entry in its state at that moment."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from typing import BinaryIO, cast

from ._holes import render_map
from ._live import LiveFile, has_disappeared, open_live_file
from ._report import Report, changed, unreadable
from ._scan import Planned

Write = Callable[[bytes], object]

_BLOCK_BYTES = 65_536
_TRIES = 3
"""How often an entry whose type changes between two looks is examined again."""


def send_tree(source: str, root: str, plan: Iterable[Planned], report: Report, write: Write) -> None:
    """Writes all of the plan; an entry that has disappeared is left out and noted. Raises when something cannot be read."""
    writer = cast(BinaryIO, _Writer(write))
    with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK_BYTES) as archive:
        sender = _Sender(archive, root, report)
        for planned in plan:
            if not sender.send(planned):
                report.disappeared.add(planned.path)
        if not os.path.lexists(source):
            raise changed(source)


class _Sender:
    def __init__(self, archive: tarfile.TarFile, root: str, report: Report) -> None:
        self._archive = archive
        self._root = root
        self._report = report
        self._first: dict[tuple[int, int], str] = {}
        """The names under which files with several names were sent first."""

    def send(self, planned: Planned) -> bool:
        """False when the entry has disappeared, or no longer has the planned type."""
        for _ in range(_TRIES):
            try:
                return self._send(planned)
            except OSError as error:
                if not has_disappeared(error):
                    raise unreadable(planned.path) from error
        return False

    def _send(self, planned: Planned) -> bool:
        path, absolute = planned.path, planned.absolute(self._root)
        status = os.lstat(absolute)
        if planned.is_directory != stat.S_ISDIR(status.st_mode):
            return False
        if planned.text is not None:
            self._send_text(path, status, planned.text.encode(errors="surrogateescape"))
            return True
        first = self._first.get((status.st_dev, status.st_ino)) if status.st_nlink > 1 else None
        if stat.S_ISDIR(status.st_mode):
            self._archive.addfile(_info(path, status, tarfile.DIRTYPE))
        elif stat.S_ISLNK(status.st_mode):
            self._archive.addfile(_info(path, status, tarfile.SYMTYPE, os.readlink(absolute)))
        elif first is not None:
            self._archive.addfile(_info(path, status, tarfile.LNKTYPE, first))
        elif stat.S_ISREG(status.st_mode):
            self._send_file(path, absolute)
        else:
            return False
        return True

    def _send_text(self, path: str, status: os.stat_result, content: bytes) -> None:
        info = _info(path, status, tarfile.REGTYPE)
        info.size = len(content)
        self._archive.addfile(info, io.BytesIO(content))

    def _send_file(self, path: str, absolute: str) -> None:
        file = open_live_file(absolute, lambda: self._report.unsteady.add(path))
        try:
            info = _info(path, file.status, tarfile.REGTYPE)
            info.size = file.size
            if file.status.st_nlink > 1:
                self._first.setdefault((file.status.st_dev, file.status.st_ino), path)
            content = cast(BinaryIO, file)
            if file.pieces is not None:
                info, content = _sparse(info, file)
            self._archive.addfile(info, content)
        finally:
            file.close()


def _sparse(info: tarfile.TarInfo, file: LiveFile) -> tuple[tarfile.TarInfo, BinaryIO]:
    """The same with the map of its data before the data, as GNU tar's format 1.0 has it."""
    pieces = file.pieces or []
    heading = render_map(pieces, file.size)
    headers = {"major": "1", "minor": "0", "name": info.name, "realsize": str(file.size)}
    info.pax_headers = {**info.pax_headers, **{f"GNU.sparse.{key}": value for key, value in headers.items()}}
    info.name = f"GNUSparseFile.0/{os.path.basename(info.name)}"
    info.size = len(heading) + sum(count for _, count in pieces)
    return info, cast(BinaryIO, _Joined(heading, file.read))


class _Joined:
    """Reads the given bytes first, then the file."""

    def __init__(self, first: bytes, read: Callable[[int], bytes]) -> None:
        self._first = first
        self._read = read

    def read(self, size: int) -> bytes:
        piece, self._first = self._first[:size], self._first[size:]
        while len(piece) < size and (more := self._read(size - len(piece))):
            piece += more
        return piece


def _info(path: str, status: os.stat_result, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type = kind
    info.mode = status.st_mode & 0o777
    info.mtime = status.st_mtime_ns // 1_000_000_000
    info.linkname = target
    info.pax_headers = {"mtime": _seconds(status.st_mtime_ns)}
    return info


class _Writer:
    """The part of a file object that tarfile needs."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, data: bytes) -> int:
        self._write(data)
        return len(data)


def _seconds(nanoseconds: int) -> str:
    """Exact seconds as a decimal fraction, which a float could not hold."""
    sign = "-" if nanoseconds < 0 else ""
    seconds, rest = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{sign}{seconds}.{rest:09d}" if rest else f"{sign}{seconds}"

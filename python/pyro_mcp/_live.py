"""Reads files that other processes may write to, each in its state at one instant."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass

from ._holes import Pieces, is_sparse, pieces_of_content, pieces_of_file

_WHOLE_BYTES = 67_108_864
"""Larger files are not kept in memory: their content is read once, while it is sent."""
_PIECE_BYTES = 1_048_576
_TRIES = 5
"""How often a file that changes while it is read is read again."""
_RECENT_NS = 1_000_000_000
"""A file that changed so recently may be in the middle of a long write, which sets the time only at its beginning."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_DISAPPEARED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ESTALE)


def has_disappeared(error: OSError) -> bool:
    """True for the errors of a name that was removed, or became something else, between two looks at it."""
    return error.errno in _DISAPPEARED


@dataclass(frozen=True)
class LiveFile:
    """A file to send: metadata of the moment of its content, and its size, holes included."""

    status: os.stat_result
    size: int
    read: Callable[[int], bytes]
    """Returns at most that many bytes, and none at the end."""
    close: Callable[[], None]
    pieces: Pieces | None = None
    """The pieces of data that ``read`` returns; None for the whole file."""


def open_live_file(path: str, on_changed: Callable[[], None]) -> LiveFile:
    """Opens a file that may change at any time, and reads its content twice the same, or twice with the same beginning.

    Where no two reads agree, and where a file of more than 64 MiB changes while it is sent, ``on_changed`` is called; the
    content is then what was read last.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        _assert_beneath(descriptor, path)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if status.st_size > _WHOLE_BYTES:
            kept = os.dup(descriptor)
            pieces = pieces_of_file(descriptor, status.st_size) if is_sparse(status) else None
            once = _Once(kept, status, pieces or [(0, status.st_size)], on_changed)
            return LiveFile(status, status.st_size, once.read, lambda: os.close(kept), pieces)
        status, content = _read_whole(descriptor, on_changed)
        pieces = pieces_of_content(content) if is_sparse(status) else None
        data = content if pieces is None else b"".join(content[at : at + count] for at, count in pieces)
        return LiveFile(status, len(content), _Kept(data).read, lambda: None, pieces)
    finally:
        os.close(descriptor)


def _assert_beneath(descriptor: int, path: str) -> None:
    """Raises ENOENT when a directory on the way to the file has become a link since the tree was walked."""
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") == path:
            return
    except OSError:
        pass
    if os.path.realpath(path) != path:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _read_whole(descriptor: int, on_changed: Callable[[], None]) -> tuple[os.stat_result, bytes]:
    for attempt in range(1, _TRIES + 1):
        before = os.fstat(descriptor)
        content = _read_to_end(descriptor)
        is_recent = time.time_ns() - before.st_ctime_ns < _RECENT_NS
        is_as_long = len(content) == before.st_size
        is_calm = is_as_long and not is_recent and identity(os.fstat(descriptor)) == identity(before)
        is_steady = len(content) <= _WHOLE_BYTES and (is_calm or _read_to_end(descriptor).startswith(content))
        if is_steady or attempt == _TRIES:
            break
    if not is_steady:
        on_changed()
    return before, content[:_WHOLE_BYTES]


def _read_to_end(descriptor: int) -> bytes:
    """The whole file, even if its size is stated wrongly; at most one byte more than the limit."""
    pieces: list[bytes] = []
    position = 0
    while position <= _WHOLE_BYTES:
        piece = os.pread(descriptor, min(_PIECE_BYTES, _WHOLE_BYTES + 1 - position), position)
        if not piece:
            break
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces)


def identity(status: os.stat_result) -> tuple[int, ...]:
    """The facts of a file that differ after a change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class _Kept:
    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._position = 0

    def read(self, size: int) -> bytes:
        piece = self._content[self._position : self._position + size]
        self._position += len(piece)
        return bytes(piece)


class _Once:
    """Exactly the announced bytes: cut when the file has grown, filled with zeros when it became shorter."""

    def __init__(
        self, descriptor: int, before: os.stat_result, pieces: Pieces, on_changed: Callable[[], None]
    ) -> None:
        self._descriptor = descriptor
        self._before = before
        self._on_changed = on_changed
        self._pieces = list(reversed(pieces))

    def read(self, size: int) -> bytes:
        if not self._pieces:
            return b""
        offset, left = self._pieces.pop()
        wanted = min(size, left)
        piece = os.pread(self._descriptor, wanted, offset) or bytes(wanted)
        if len(piece) < left:
            self._pieces.append((offset + len(piece), left - len(piece)))
        if not self._pieces and identity(os.fstat(self._descriptor)) != identity(self._before):
            self._on_changed()
        return piece

"""Finds the data of a sparse file, so that its holes need not be sent."""

from __future__ import annotations

import errno
import os

Pieces = list[tuple[int, int]]
"""Offset and length of each piece of data, rising; between them are holes."""

_BLOCK_BYTES = 4_096
_HOLE_BYTES = 65_536
"""A shorter hole is sent as zeros: each piece costs a line of the map."""
_MOST_PIECES = 100_000
"""A file with more pieces is sent whole, holes included."""


def is_sparse(status: os.stat_result) -> bool:
    """True for a file that takes less room than its size."""
    return status.st_blocks * 512 + _HOLE_BYTES <= status.st_size


def pieces_of_content(content: bytes) -> Pieces | None:
    """The pieces of data in these bytes; None when a map of the holes would save nothing."""
    zeros = bytes(_BLOCK_BYTES)
    pieces: Pieces = []
    for offset in range(0, len(content), _BLOCK_BYTES):
        block = content[offset : offset + _BLOCK_BYTES]
        if block != zeros[: len(block)]:
            _add(pieces, offset, len(block))
    return _worth(pieces, len(content))


def pieces_of_file(descriptor: int, size: int) -> Pieces | None:
    """The same for an open file, as its file system reports it."""
    pieces: Pieces = []
    position = 0
    while position < size:
        try:
            start = os.lseek(descriptor, position, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            # No data after this position, or a file system that does not report it.
            if error.errno == errno.ENXIO:
                break
            return None
        start = start // _BLOCK_BYTES * _BLOCK_BYTES
        end = min(size, -(-end // _BLOCK_BYTES) * _BLOCK_BYTES)
        if start >= size:
            break
        _add(pieces, start, end - start)
        position = end
    return _worth(pieces, size)


def _add(pieces: Pieces, offset: int, count: int) -> None:
    if pieces and offset - sum(pieces[-1]) < _HOLE_BYTES:
        pieces[-1] = (pieces[-1][0], offset + count - pieces[-1][0])
    else:
        pieces.append((offset, count))


def _worth(pieces: Pieces, size: int) -> Pieces | None:
    holes = size - sum(count for _, count in pieces)
    return pieces if holes >= _HOLE_BYTES and len(pieces) <= _MOST_PIECES else None


def render_map(pieces: Pieces, size: int) -> bytes:
    """The map of GNU tar's format 1.0, filled up to a block. An empty piece marks the end of a final hole."""
    whole = pieces if pieces and sum(pieces[-1]) == size else [*pieces, (size, 0)]
    text = "".join(f"{number}\n" for number in (len(whole), *(number for piece in whole for number in piece)))
    return text.encode() + bytes(-len(text) % 512)

"""A stream of frames to the daemon: an upgraded HTTP request on its unix socket. The format is in docs/stream.md."""

from __future__ import annotations

import contextlib
import errno
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

from ._errors import PyroError

INPUT, DATA, END, WINDOW, CANCEL, EVENT, RESULT, ERROR, RESIZE = range(1, 10)
STDIN, STDOUT, STDERR, SOURCE = range(4)

_PROTOCOL = "pyro-stream/1"
HEADER = struct.Struct("<IBBH")
OFFSET = struct.Struct("<Q")
DATA_BYTES = 65_536
GRANT_BYTES = 65_536
"""A new window is sent when this many bytes were taken, so that small pieces share one."""


class NotListening(Exception):
    """Nothing listens on the socket."""


class Lost(Exception):
    """The connection broke before the answer was whole."""


class Unanswered(Lost):
    """The connection ended before the first byte of an answer: the daemon has not begun with the request."""


class Stream:
    """Sends and receives frames. A sender waits while the other end has no room; any thread may send, one receives."""

    def __init__(self, path: str, route: str, version: str) -> None:
        """Connects and requests the stream. Raises NotListening, Lost, or the daemon's refusal."""
        self._wire = _connect(path)
        self._reader: BinaryIO = self._wire.makefile("rb")
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._rooms = [0] * 4
        self._granted = [0] * 4
        self._owed = [0] * 4
        self._closed = False
        self._answered = False
        try:
            self._upgrade(route, version)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | ValueError):
                lost = Lost if self._answered else Unanswered
                raise lost(str(error) or type(error).__name__) from error
            raise

    def send_message(self, kind: int, value: object) -> None:
        self._send(kind, 0, json.dumps(value).encode())

    def send_data(self, channel: int, data: bytes) -> bool:
        """Sends bytes as the daemon has room for them; false when the stream was closed meanwhile."""
        view = memoryview(data)
        while len(view) > 0:
            count = self.send_some(channel, view)
            if count == 0:
                return False
            view = view[count:]
        return True

    def send_some(self, channel: int, view: memoryview) -> int:
        """Sends the first bytes, as many as there is room for, and waits for room; returns 0 when the stream was closed."""
        if not self.has_room(channel):
            return 0
        count = min(len(view), self._rooms[channel], DATA_BYTES)
        self._rooms[channel] -= count
        self._send(DATA, channel, view[:count])
        return count

    def send_end(self, channel: int) -> None:
        self._send(END, channel, b"")

    def has_room(self, channel: int) -> bool:
        """Waits until the daemon takes bytes of a channel; false when the stream was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._rooms[channel] > 0 or self._closed)
            return not self._closed

    def grant(self, channel: int, count: int) -> None:
        """Lets the daemon send this many bytes more."""
        self._owed[channel] += count
        if self._owed[channel] < GRANT_BYTES:
            return
        self._granted[channel] += self._owed[channel]
        self._owed[channel] = 0
        self._send(WINDOW, channel, OFFSET.pack(self._granted[channel]))

    def frames(self) -> Iterator[tuple[int, int, bytes]]:
        """Type, channel and payload of the daemon's frames, except windows, until it closes."""
        limits = [0] * 4
        while header := self._reader.read(HEADER.size):
            length, kind, channel, _ = HEADER.unpack(header)
            payload = self._reader.read(length)
            if len(payload) < length:
                return
            if kind != WINDOW:
                yield kind, channel, payload
                continue
            (limit,) = OFFSET.unpack(payload)
            with self._changed:
                self._rooms[channel] += limit - limits[channel]
                self._changed.notify_all()
            limits[channel] = limit

    def set_timeout(self, seconds: float) -> None:
        """Sets how long receiving may wait."""
        self._wire.settimeout(seconds)

    def close(self) -> None:
        """Ends the connection: nothing more is sent, and a thread that waits is woken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        # A thread that still sends is woken by the shutdown only.
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)
        self._wire.close()

    @property
    def closed(self) -> bool:
        return self._closed

    def _send(self, kind: int, channel: int, payload: bytes | memoryview) -> None:
        with self._sending:
            if not self._closed:
                self._wire.sendall(b"".join((HEADER.pack(len(payload), kind, channel, 0), payload)))

    def _upgrade(self, route: str, version: str) -> None:
        self._wire.sendall(request_head(route, version))
        status = self._reader.readline().split()[1:2]
        self._answered = bool(status)
        length = 0
        while line := self._reader.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if status == [b"101"]:
            return
        raise PyroError.from_body(json.loads(self._reader.read(length))["error"])


def request_head(route: str, version: str) -> bytes:
    """The request that becomes a stream."""
    head = (
        f"POST {route} HTTP/1.1\r\nHost: pyro\r\nConnection: Upgrade\r\nUpgrade: {_PROTOCOL}\r\n"
        f"pyro-version: {version}\r\nContent-Length: 0\r\n\r\n"
    )
    return head.encode("latin-1")


def _connect(path: str) -> socket.socket:
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        wire.connect(path)
    except OSError as error:
        wire.close()
        if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN):
            raise NotListening from None
        raise Lost(str(error)) from error
    return wire

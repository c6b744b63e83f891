"""A stream of frames to the daemon, for asyncio. The format is in docs/stream.md."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator

from ._errors import PyroError
from ._stream import DATA, DATA_BYTES, END, GRANT_BYTES, HEADER, OFFSET, WINDOW, Lost, NotListening, Unanswered, request_head


class AsyncStream:
    """Sends and receives frames. A sender waits while the other end has no room; one task receives."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._changed = asyncio.Event()
        self._closed = False
        self._rooms = [0] * 4
        self._granted = [0] * 4
        self._owed = [0] * 4
        # Offsets up to which the daemon takes bytes.
        self._limits = [0] * 4
        # A header whose payload is not read yet: a reader may be cancelled between both.
        self._header: bytes | None = None
        self._answered = False

    @classmethod
    async def open(cls, path: str, route: str, version: str) -> AsyncStream:
        """Connects and requests the stream. Raises NotListening, Lost, or the daemon's refusal."""
        try:
            stream = cls(*await asyncio.open_unix_connection(path))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN):
                raise NotListening from None
            raise Lost(str(error)) from error
        try:
            await stream._upgrade(route, version)
        except BaseException as error:
            stream.close()
            if isinstance(error, OSError | ValueError | EOFError):
                lost = Lost if stream._answered else Unanswered
                raise lost(str(error) or type(error).__name__) from error
            raise
        return stream

    async def send_message(self, kind: int, value: object) -> None:
        await self._send(kind, 0, json.dumps(value).encode())

    async def send_data(self, channel: int, data: bytes) -> None:
        """Sends bytes as the daemon has room for them."""
        view = memoryview(data)
        while len(view) > 0 and (count := await self.send_some(channel, view)) > 0:
            view = view[count:]

    async def send_some(self, channel: int, view: memoryview) -> int:
        """Sends the first bytes, as many as there is room for, and waits for room; returns 0 when the stream was closed."""
        if not await self.room(channel):
            return 0
        count = min(len(view), self._rooms[channel], DATA_BYTES)
        self._rooms[channel] -= count
        await self._send(DATA, channel, view[:count])
        return count

    async def send_end(self, channel: int) -> None:
        await self._send(END, channel, b"")

    async def room(self, channel: int) -> bool:
        """Waits until the daemon takes bytes of a channel; false when the stream was closed."""
        while self._rooms[channel] <= 0 and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    async def grant(self, channel: int, count: int) -> None:
        """Lets the daemon send this many bytes more."""
        self._owed[channel] += count
        if self._owed[channel] < GRANT_BYTES:
            return
        self._granted[channel] += self._owed[channel]
        self._owed[channel] = 0
        await self._send(WINDOW, channel, OFFSET.pack(self._granted[channel]))

    async def frames(self) -> AsyncIterator[tuple[int, int, bytes]]:
        """Type, channel and payload of the daemon's frames, except windows, until it closes."""
        while True:
            try:
                if self._header is None:
                    self._header = await self._reader.readexactly(HEADER.size)
                length, kind, channel, _ = HEADER.unpack(self._header)
                payload = await self._reader.readexactly(length)
                self._header = None
            except asyncio.IncompleteReadError:
                return
            if kind != WINDOW:
                yield kind, channel, payload
                continue
            (limit,) = OFFSET.unpack(payload)
            self._rooms[channel] += limit - self._limits[channel]
            self._limits[channel] = limit
            self._changed.set()

    def close(self) -> None:
        """Ends the connection; senders that wait for room are woken."""
        self._closed = True
        self._changed.set()
        self._writer.close()

    async def _send(self, kind: int, channel: int, payload: bytes | memoryview) -> None:
        self._writer.write(b"".join((HEADER.pack(len(payload), kind, channel, 0), payload)))
        await self._writer.drain()

    async def _upgrade(self, route: str, version: str) -> None:
        self._writer.write(request_head(route, version))
        await self._writer.drain()
        status = (await self._reader.readline()).split()[1:2]
        self._answered = bool(status)
        length = 0
        while line := (await self._reader.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if status != [b"101"]:
            raise PyroError.from_body(json.loads(await self._reader.readexactly(length))["error"])

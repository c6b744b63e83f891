"""One request to the daemon and its answer, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ._async_calls import Keys
from ._async_stream import AsyncStream
from ._errors import PyroError
from ._exchange import DRAIN_SECONDS, OUTPUT_WINDOW_BYTES, OUTPUTS, Event
from ._stream import CANCEL, DATA, ERROR, INPUT, RESULT, STDIN, Lost


class AsyncExchange:
    """An exchange under way: its events, and then its result.

    A reader that is cancelled, or raises, cancels the call and waits until its command has ended.
    """

    def __init__(self, stream: AsyncStream, stdin: Keys | None) -> None:
        self._stream = stream
        self._stdin = stdin
        self._is_over = False
        self._failure: BaseException | None = None
        self.result: Any = None

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, path: str, route: str, version: str, fields: Mapping[str, object], stdin: Keys | None
    ) -> AsyncIterator[AsyncExchange]:
        """Sends the request. Raises NotListening or Lost."""
        stream = await AsyncStream.open(path, route, version)
        exchange = cls(stream, stdin)
        sending: asyncio.Task[None] | None = None
        try:
            await exchange._begin(fields)
            sending = asyncio.create_task(exchange._send_stdin())
            yield exchange
            if exchange._failure:
                raise exchange._failure
        except BaseException:
            if not exchange._is_over:
                await exchange._cancel()
            if exchange._failure:
                raise exchange._failure from None
            raise
        finally:
            if sending:
                sending.cancel()
            stream.close()

    async def events(self) -> AsyncIterator[Event]:
        """The events, until the result is there. Raises the daemon's error, or Lost when the connection breaks before."""
        try:
            async for kind, channel, payload in self._frames():
                if kind == RESULT:
                    self.result = json.loads(payload)
                    self._is_over = True
                    return
                if kind == ERROR:
                    self._is_over = True
                    raise PyroError.from_body(json.loads(payload))
                yield {"event": OUTPUTS[channel], "data": payload} if kind == DATA else json.loads(payload)
        except (OSError, EOFError, ValueError, struct.error) as error:
            self._is_over = True
            raise Lost(str(error) or type(error).__name__) from error
        self._is_over = True
        raise Lost("the answer ended without a result")

    async def _frames(self) -> AsyncIterator[tuple[int, int, bytes]]:
        """The daemon's frames; it may send more output when a piece was taken."""
        stream = self._stream
        for channel in OUTPUTS:
            await stream.grant(channel, OUTPUT_WINDOW_BYTES)
        async for kind, channel, payload in stream.frames():
            yield kind, channel, payload
            if kind == DATA:
                await stream.grant(channel, len(payload))

    async def _begin(self, fields: Mapping[str, object]) -> None:
        try:
            await self._stream.send_message(INPUT, fields)
        except OSError as error:
            self._is_over = True
            raise Lost(str(error) or type(error).__name__) from error

    async def _send_stdin(self) -> None:
        """Sends all of it, then its end. Reads nothing before the daemon has room. The reader of the answer sees a broken connection."""
        keys = self._stdin
        if keys is None:
            return
        with contextlib.suppress(ConnectionError):
            await self._stream.room(STDIN)
            while await self._read(keys) and await keys.send(lambda view: self._stream.send_some(STDIN, view)):
                pass
            if keys.is_over:
                await self._stream.send_end(STDIN)

    async def _read(self, keys: Keys) -> bool:
        """False when the caller's iterable raises: that ends the command."""
        try:
            await keys.read()
            return True
        except Exception as error:
            self._failure = error
            await self._stream.send_message(CANCEL, {})
            return False

    async def _cancel(self) -> None:
        """Cancels the call, and waits for its end longer than the command's grace."""
        with contextlib.suppress(OSError, EOFError, PyroError, TimeoutError, RuntimeError):
            await self._stream.send_message(CANCEL, {})
            async with asyncio.timeout(DRAIN_SECONDS):
                async for kind, channel, payload in self._stream.frames():
                    if kind in (RESULT, ERROR):
                        return
                    if kind == DATA:
                        await self._stream.grant(channel, len(payload))

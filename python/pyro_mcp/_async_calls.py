"""A caller's options for an asynchronous call."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

Stdin = str | bytes | Iterable[str | bytes] | AsyncIterable[str | bytes] | None
"""Standard input: a text, bytes, or an iterable of either, asynchronous or not."""

OnOutput = Callable[[str], object]
"""Called with each piece of output as text; may be a coroutine function. The next piece waits until it returns."""

OnProgress = Callable[[Mapping[str, Any]], object]
"""Called with ``phase``, ``message`` and, where it is known, ``fraction``; may be a coroutine function."""


class Keys:
    """Standard input as a connection sends it. What one connection could not send is sent by the next, in the same order."""

    def __init__(self, stdin: Stdin) -> None:
        self._pieces = pieces_of(stdin)
        self._rest = memoryview(b"")
        self._next: asyncio.Future[bytes | None] | None = None
        self.is_over = False

    async def send(self, send_some: Callable[[memoryview], Awaitable[int]]) -> bool:
        """Sends the next piece; false at the end, and when the connection was closed. May be cancelled."""
        while self._rest:
            count = await send_some(self._rest)
            if count == 0:
                return False
            self._rest = self._rest[count:]
        return not self.is_over

    async def read(self) -> None:
        """Waits for the next piece, unless one is there. Can be cancelled without losing one. Raises what the caller's iterable raises."""
        if self._rest or self.is_over:
            return
        self._next = self._next or asyncio.ensure_future(_following(self._pieces))
        piece = await asyncio.shield(self._next)
        self._next = None
        self.is_over = piece is None
        self._rest = memoryview(piece or b"")

    def close(self) -> None:
        if self._next:
            self._next.cancel()


async def _following(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def pieces_of(stdin: Stdin) -> AsyncIterator[bytes]:
    """Standard input as bytes, from any accepted type."""
    if isinstance(stdin, AsyncIterable):
        async for piece in stdin:
            yield _bytes(piece)
    elif stdin is not None:
        for piece in [stdin] if isinstance(stdin, str | bytes) else stdin:
            yield _bytes(piece)


def _bytes(piece: str | bytes) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


async def settled(value: object) -> None:
    """Waits for what a callback returned, if it is a coroutine."""
    if inspect.isawaitable(value):
        await value

"""A caller's options for an asynchronous call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from typing import Any

Stdin = str | bytes | Iterable[str | bytes] | AsyncIterable[str | bytes] | None
"""Standard input: a text, bytes, or an iterable of either, asynchronous or not."""

OnOutput = Callable[[str], object]
"""Called with each piece of output as text; may be a coroutine function. The next piece waits until it returns."""

OnProgress = Callable[[Mapping[str, Any]], object]
"""Called with ``phase``, ``message`` and, where it is known, ``fraction``; may be a coroutine function."""


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

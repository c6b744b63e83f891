"""The bytes of an operation as an iterator, sent only as fast as they are read, so that little memory is used."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_PIECES = 4
"""Pieces that wait for the reader; the daemon sends no more meanwhile."""


class _Stopped(Exception):
    """The reader has stopped."""


def iterate(ask: Callable[[Callable[[Mapping[str, Any]], None]], object]) -> Iterator[bytes]:
    """The ``stdout`` of a call. The call starts with the first read; a reader that stops ends it."""
    pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_PIECES)
    stopped = threading.Event()

    def put(piece: bytes | BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                return pieces.put(piece, timeout=0.1)
        raise _Stopped

    def on_event(event: Mapping[str, Any]) -> None:
        if event["event"] == "stdout":
            put(event["data"])

    def run() -> None:
        end: BaseException | None = None
        try:
            ask(on_event)
        except BaseException as error:  # The reader's thread raises it.
            end = error
        with contextlib.suppress(_Stopped):
            put(end)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        stopped.set()
        thread.join()

"""A caller's options for a call, besides the operation's own fields."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Stdin = str | bytes | Iterable[str | bytes] | None
"""Standard input: a text, bytes, or an iterable of either, such as an open file. It is read as fast as the command takes it."""

OnOutput = Callable[[str], object]
"""Called with each piece of output as text; the next one, and the command in the end, waits until it returns."""

OnProgress = Callable[[Mapping[str, Any]], object]
"""Called with ``phase``, ``message`` and, where it is known, ``fraction``."""

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


class Default(int):
    """A default that signatures show and that the daemon fills in: a call that is given no other value sends none."""


class Keys:
    """Standard input as a connection sends it. What one connection could not send is sent by the next, in the same order."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._turn = threading.Lock()
        self._rest = memoryview(b"")
        self.is_over = False

    def send(self, send_some: Callable[[memoryview], int]) -> bool:
        """Sends the next piece; false at the end, and when the connection was closed. Raises what the caller's iterable raises."""
        with self._turn:
            if not self._rest and not self.is_over:
                try:
                    self._rest = memoryview(next(self._pieces))
                except StopIteration:
                    self.is_over = True
            while self._rest:
                count = send_some(self._rest)
                if count == 0:
                    return False
                self._rest = self._rest[count:]
            return not self.is_over


class Cancellation:
    """Cancels calls from another thread.

    The command gets INT, and 5 s later everything that it has started is killed; the result says ``aborted``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = 0
        self._listeners: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Cancels every present and later call with this cancellation. The second call kills at once."""
        with self._lock:
            self._requests += 1
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    @property
    def cancelled(self) -> bool:
        return self._requests > 0

    def _listen(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners.append(listener)
            requests = self._requests
        for _ in range(min(requests, 2)):
            listener()

    def _forget(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners.remove(listener)


def command_line(command: str | Sequence[str]) -> str:
    """A command as one line for the guest's shell: a text unchanged, a list with each word quoted."""
    if isinstance(command, str):
        return command
    return " ".join(_quote(word, index) for index, word in enumerate(command))


def _quote(word: str, index: int) -> str:
    # An unquoted `A=b` in front would be an assignment.
    if _PLAIN.fullmatch(word) and not (index == 0 and "=" in word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def pieces_of(stdin: Stdin) -> Iterator[bytes]:
    """Standard input as bytes, from any accepted type."""
    if stdin is None:
        return
    for piece in [stdin] if isinstance(stdin, str | bytes) else stdin:
        yield piece.encode() if isinstance(piece, str) else piece

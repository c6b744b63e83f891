"""A named terminal of a task, in both directions, for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Protocol, cast

from ._async_stream import AsyncStream
from ._daemon import Home
from ._errors import PyroError
from ._exchange import OUTPUT_WINDOW_BYTES, OUTPUTS
from ._results import TaskExecResult, TaskShellOpenResult
from ._shell import LOST, ShellPlace, detached, ending_of, has_ended
from ._stream import DATA, INPUT, RESIZE, STDIN, STDOUT, Lost


class _Operations(Protocol):
    """The methods of the client that a shell uses."""

    _home: Home

    async def _connect(self, operation: str) -> AsyncStream: ...

    async def signal_task(self, task_id: str, sequence: int, *, signal: str) -> object: ...


class AsyncShell:
    """The terminal of a shell: ``async for`` over it for what it shows, as it comes, and write what is typed. It survives the daemon.

    ``detach``, and the end of an ``async with`` block, leave the shell running. When another client takes the keyboard, reading and
    ``exit`` raise ``ABORTED``.

    Attributes:
        info: The shell when this was opened.
    """

    def __init__(self, operations: object, info: TaskShellOpenResult, offset: int) -> None:
        self.info = info
        self._operations = cast(_Operations, operations)
        self._place = ShellPlace(info["task_id"], info["sequence"], offset, info["rows"], info["cols"])
        self._shown: deque[tuple[AsyncStream, bytes]] = deque()
        self._changed = asyncio.Event()
        self._typing = asyncio.Lock()
        self._stream: AsyncStream | None = None
        self._following = asyncio.create_task(self._follow())
        self._following.add_done_callback(self._over)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    async def read(self) -> bytes:
        """The next output of the terminal; empty when its command has ended. The shell is held back when 1 MiB of its output is unread."""
        await self._until(lambda: bool(self._shown) or self._following.done())
        if not self._shown:
            await self.exit()
            return b""
        stream, piece = self._shown.popleft()
        with contextlib.suppress(OSError):  # The next connection has windows of its own.
            await stream.grant(STDOUT, len(piece))
        return piece

    async def write(self, typed: str | bytes) -> None:
        """Types a text or bytes; returns when the daemon has taken them. A carriage return is the Enter key."""
        view = memoryview(typed.encode() if isinstance(typed, str) else typed)
        async with self._typing:
            while len(view) > 0:
                await self._until(lambda: self._stream is not None or self._following.done())
                stream = self._stream
                if stream is None:
                    await self.exit()
                    raise has_ended()
                count = 0
                with contextlib.suppress(OSError):
                    count = await stream.send_some(STDIN, view)
                view = view[count:]
                if count == 0:
                    self._forget(stream)

    async def resize(self, rows: int, cols: int) -> None:
        """Gives the terminal another size, each from 1 to 1000."""
        self._place.rows, self._place.cols = rows, cols
        if self._stream:
            with contextlib.suppress(OSError):  # The next connection begins with the size.
                await self._stream.send_message(RESIZE, self._place.size())

    async def signal(self, signal: str) -> None:
        """Sends a signal to the shell's process group."""
        await self._operations.signal_task(self.info["task_id"], self.info["sequence"], signal=signal)

    async def exit(self) -> TaskExecResult:
        """The result of the shell's command, when it has ended. Raises ABORTED when detached."""
        await asyncio.wait([self._following])
        if self._following.cancelled():
            raise detached()
        return self._following.result()

    def detach(self) -> None:
        """Leaves the shell, which runs on."""
        self._following.cancel()

    async def __aenter__(self) -> AsyncShell:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()
        await asyncio.wait([self._following])

    def _over(self, following: asyncio.Task[TaskExecResult]) -> None:
        if not following.cancelled():
            following.exception()  # Looked at, so that asyncio does not log it.
        self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def _follow(self) -> TaskExecResult:
        """Follows the command to its end, and connects again when the daemon dies."""
        patience = self._operations._home.patience()
        while True:
            try:
                stream = await self._operations._connect("task.follow")
                patience.reached()
                return await self._attend(stream)
            except (Lost, *LOST) as lost:
                pause = patience.pause(lost, self._place.offset)
                if pause is None:
                    raise self._operations._home.unreachable(lost) from lost
            except PyroError as error:
                pause = patience.pause(error, self._place.offset) if error.code == "DAEMON_UNREACHABLE" else None
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _attend(self, stream: AsyncStream) -> TaskExecResult:
        try:
            await stream.send_message(INPUT, self._place.fields())
            for channel in OUTPUTS:
                await stream.grant(channel, OUTPUT_WINDOW_BYTES)
            self._stream = stream
            self._changed.set()
            async for kind, _, payload in stream.frames():
                if result := ending_of(kind, payload):
                    return result
                self._place.take(kind, payload)
                if kind == DATA:
                    self._shown.append((stream, payload))
                    self._changed.set()
            raise EOFError("the answer ended without a result")
        finally:
            self._forget(stream)
            stream.close()

    def _forget(self, stream: AsyncStream) -> None:
        if self._stream is stream:
            self._stream = None

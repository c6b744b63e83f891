"""A named terminal of a task, in both directions."""

from __future__ import annotations

import contextlib
import json
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, cast

from ._daemon import Home
from ._errors import REPEAT, PyroError
from ._exchange import OUTPUT_WINDOW_BYTES, OUTPUTS
from ._results import TaskExecResult, TaskShellOpenResult
from ._stream import DATA, ERROR, INPUT, RESIZE, RESULT, STDIN, STDOUT, Lost, Stream

LOST = (OSError, EOFError, ValueError, struct.error)


@dataclass
class ShellPlace:
    """Where in the output of a shell a client is, and the size of its terminal."""

    task_id: str
    sequence: int
    offset: int
    rows: int
    cols: int

    def fields(self) -> dict[str, Any]:
        """The input of ``task.follow`` that continues at this place."""
        here = {"task_id": self.task_id, "sequence": self.sequence, "stdout_offset": self.offset}
        return {**here, "keyboard": True, **self.size()}

    def size(self) -> dict[str, int]:
        return {"rows": self.rows, "cols": self.cols}

    def take(self, kind: int, payload: bytes) -> None:
        """Moves on by the output in a frame, and by output that the task's log no longer has."""
        if kind == DATA:
            self.offset += len(payload)
        elif (event := json.loads(payload))["event"] == "gap":
            self.offset += event["bytes"]


def ending_of(kind: int, payload: bytes) -> TaskExecResult | None:
    """The result in a frame, if it is the last one. Raises the daemon's error."""
    if kind == ERROR:
        raise PyroError.from_body(json.loads(payload))
    return cast(TaskExecResult, json.loads(payload)) if kind == RESULT else None


def detached() -> PyroError:
    return PyroError("ABORTED", "The client disconnected; the command keeps running.", REPEAT)


def has_ended() -> PyroError:
    return PyroError("FAILED_PRECONDITION", "The shell has ended.", "Open it again.")


class _Operations(Protocol):
    """The methods of the client that a shell uses."""

    _home: Home

    def _connect(self, operation: str) -> Stream: ...

    def signal_task(self, task_id: str, sequence: int, *, signal: str) -> object: ...


class Shell:
    """The terminal of a shell: iterate over it for what it shows, as it comes, and write what is typed. It survives the daemon.

    ``detach``, and the end of a ``with`` block, leave the shell running. When another client takes the keyboard, reading and ``exit``
    raise ``ABORTED``. Any thread may call any method; one reads.

    Attributes:
        info: The shell when this was opened.
    """

    def __init__(self, operations: object, info: TaskShellOpenResult, offset: int) -> None:
        self.info = info
        self._operations = cast(_Operations, operations)
        self._place = ShellPlace(info["task_id"], info["sequence"], offset, info["rows"], info["cols"])
        self._changed = threading.Condition()
        self._shown: deque[tuple[Stream, bytes]] = deque()
        self._stream: Stream | None = None
        self._is_left = False
        self._is_over = False
        self._result: TaskExecResult | None = None
        self._failure: BaseException | None = None
        self._typing = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece

    def read(self, timeout: float | None = None) -> bytes:
        """The next output of the terminal; empty when its command has ended. Raises TimeoutError after ``timeout`` seconds.

        The shell is held back when 1 MiB of its output is unread.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._shown or self._is_over, timeout):
                raise TimeoutError
            if not self._shown:
                self._raise_failure()
                return b""
            stream, piece = self._shown.popleft()
        with contextlib.suppress(OSError):  # The next connection has windows of its own.
            stream.grant(STDOUT, len(piece))
        return piece

    def write(self, typed: str | bytes) -> None:
        """Types a text or bytes; returns when the daemon has taken them. A carriage return is the Enter key."""
        view = memoryview(typed.encode() if isinstance(typed, str) else typed)
        with self._typing:
            while len(view) > 0:
                with self._changed:
                    self._changed.wait_for(lambda: self._stream or self._is_over)
                    stream = self._stream
                    if stream is None:
                        self._raise_failure()
                        raise has_ended()
                count = 0
                with contextlib.suppress(OSError):
                    count = stream.send_some(STDIN, view)
                view = view[count:]
                if count == 0:
                    self._forget(stream)

    def resize(self, rows: int, cols: int) -> None:
        """Gives the terminal another size, each from 1 to 1000."""
        with self._changed:
            self._place.rows, self._place.cols = rows, cols
            stream = self._stream
        if stream:
            with contextlib.suppress(OSError):  # The next connection begins with the size.
                stream.send_message(RESIZE, self._place.size())

    def signal(self, signal: str) -> None:
        """Sends a signal to the shell's process group."""
        self._operations.signal_task(self.info["task_id"], self.info["sequence"], signal=signal)

    def exit(self, timeout: float | None = None) -> TaskExecResult:
        """The result of the shell's command, when it has ended. Raises TimeoutError after ``timeout`` seconds, ABORTED when detached."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_over, timeout):
                raise TimeoutError
            self._raise_failure()
            return cast(TaskExecResult, self._result)

    def detach(self) -> None:
        """Leaves the shell, which runs on."""
        with self._changed:
            self._is_left = True
            stream = self._stream
            self._changed.notify_all()
        if stream:
            stream.close()

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        result: TaskExecResult | None = None
        failure: BaseException | None = None
        try:
            result = self._follow()
        except BaseException as error:
            failure = error
        with self._changed:
            self._result, self._failure, self._is_over = result, failure, True
            self._changed.notify_all()

    def _follow(self) -> TaskExecResult:
        """Follows the command to its end, and connects again when the daemon dies."""
        patience = self._operations._home.patience()
        while True:
            try:
                stream = self._operations._connect("task.follow")
                patience.reached()
                return self._attend(stream)
            except (Lost, *LOST) as lost:
                if self._is_left:
                    raise detached() from None
                pause = patience.pause(lost, self._place.offset)
                if pause is None:
                    raise self._operations._home.unreachable(lost) from lost
            except PyroError as error:
                pause = patience.pause(error, self._place.offset) if error.code == "DAEMON_UNREACHABLE" else None
                if pause is None:
                    raise
            time.sleep(pause)

    def _attend(self, stream: Stream) -> TaskExecResult:
        try:
            with self._changed:
                if self._is_left:
                    raise detached()
                stream.send_message(INPUT, self._place.fields())
                for channel in OUTPUTS:
                    stream.grant(channel, OUTPUT_WINDOW_BYTES)
                self._stream = stream
                self._changed.notify_all()
            for kind, _, payload in stream.frames():
                if result := ending_of(kind, payload):
                    return result
                with self._changed:
                    self._place.take(kind, payload)
                    if kind == DATA:
                        self._shown.append((stream, payload))
                        self._changed.notify_all()
            raise EOFError("the answer ended without a result")
        finally:
            self._forget(stream)
            stream.close()

    def _forget(self, stream: Stream) -> None:
        with self._changed:
            if self._stream is stream:
                self._stream = None



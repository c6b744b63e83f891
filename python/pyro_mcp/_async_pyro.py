"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

from ._async_calls import Keys, OnOutput, OnProgress, Stdin, pieces_of, settled
from ._async_exchange import AsyncExchange
from ._async_operations import AsyncOperations
from ._async_shell import AsyncShell
from ._async_stream import AsyncStream
from ._async_task import AsyncTask, AsyncTaskContext
from ._calls import Cancellation
from ._daemon import Home
from ._errors import PyroError, assert_succeeded
from ._exchange import Event
from ._follower import Follower
from ._operations import LOCAL, VERSION
from ._patience import MAX_RETURNS
from ._pyro import MAX_STARTS, Pyro, followed, is_inline, prepared, route_of
from ._stream import Lost, NotListening, Unanswered


class AsyncPyro(AsyncOperations):
    """All operations of pyro as coroutines, by the names of ``Pyro``. The first call starts the daemon if none runs.

    Cancelling the task that awaits a call cancels its command: it gets INT, and 5 s later everything that it has started is killed.

    Args:
        home: The home whose daemon is asked; by default ``PYRO_HOME``, or ``~/.pyro``. A relative path is one of the working directory.
        context: A context of the home, as ``pyro context add`` makes it; by default ``PYRO_CONTEXT``, or the current one.
        executable: The ``pyro`` executable; by default ``PYRO_EXECUTABLE``, or the one in ``PATH``.
    """

    def __init__(
        self,
        *,
        home: str | os.PathLike[str] | None = None,
        context: str | None = None,
        executable: str | os.PathLike[str] | None = None,
    ) -> None:
        self._home = Home(home, executable, context)
        self._blocking = Pyro(home=home, context=context, executable=executable)

    def task(self, environment: str, **options: Any) -> AsyncTaskContext:
        """Creates a task, for ``async with``: it is deleted at the end of the block. Takes what ``create_task`` takes."""
        return AsyncTaskContext(self, lambda: self.create_task(environment, **options))

    async def open_task(self, task_id: str) -> AsyncTask:
        """A handle on an existing task."""
        return AsyncTask(self, await self.status_task(task_id))

    async def stream_task_file(
        self, task_id: str, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of a file of a task, as they are read: ``async for piece in pyro.stream_task_file(…)``."""
        fields = {"task_id": task_id, "path": path, "offset": offset, "max_bytes": max_bytes, "user": user}
        async for piece in self._stream("task.file.fetch", fields):
            yield piece

    async def stream_task_export(self, task_id: str, path: str, *, gzip: bool = False) -> AsyncIterator[bytes]:
        """Files of a task as a tar archive, as they are read."""
        async for piece in self._stream("task.export", {"task_id": task_id, "path": path, "gzip": gzip}):
            yield piece

    async def shell_task(
        self,
        task_id: str,
        *,
        name: str = "main",
        command: str | Sequence[str] | None = None,
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        cols: int = 80,
        replay: bool = True,
    ) -> AsyncShell:
        """A named terminal of a task in both directions: see ``Pyro.shell_task``."""
        info = await self.open_shell(task_id, name=name, command=command, cwd=cwd, env=env, rows=rows, cols=cols)
        offset = 0
        if not replay:
            offset = (await self.output_task(info["task_id"], info["sequence"], max_bytes=1))["stdout_bytes"]
        return AsyncShell(self, info, offset)

    async def _connect(self, operation: str) -> AsyncStream:
        """A stream without a request yet. Starts the daemon if none runs."""
        await self._find_far_socket()
        for starts in range(MAX_STARTS + 1):
            try:
                return await AsyncStream.open(self._socket(), route_of(operation), VERSION)
            except (NotListening, Unanswered) as absent:
                self._assert_absent(absent)
                if starts == MAX_STARTS:
                    raise self._home.unreachable(absent) from None
            await asyncio.to_thread(self._home.start_daemon)
        raise AssertionError("the loop returns or raises")

    async def _stream(self, operation: str, fields: Mapping[str, object]) -> AsyncIterator[bytes]:
        given = {name: value for name, value in fields.items() if value is not None}
        await self._find_far_socket()
        for starts in range(MAX_STARTS + 1):
            try:
                async with AsyncExchange.open(self._socket(), route_of(operation), VERSION, given, None) as exchange:
                    async for event in exchange.events():
                        if event["event"] == "stdout":
                            yield event["data"]
                return
            except (NotListening, Unanswered) as absent:
                is_absent = isinstance(absent, NotListening) or self._home.far_socket()
                if not is_absent or starts == MAX_STARTS:
                    raise self._home.unreachable(absent) from None
            except Lost as lost:
                raise self._home.unreachable(lost) from lost
            await asyncio.to_thread(self._home.start_daemon)

    async def _call(
        self,
        operation: str,
        fields: Mapping[str, object],
        *,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
    ) -> Any:
        given = prepared(operation, fields)
        await self._find_far_socket()
        in_thread = operation in LOCAL or operation == "env.build" or "source_path" in given
        if in_thread or self._home.performs(operation, given):
            sinks = {"on_stdout": on_stdout, "on_stderr": on_stderr, "on_progress": on_progress}
            return await self._call_in_thread(operation, given, stdin, check, sinks)
        if not is_inline(given.get("content")):
            stdin = cast("Stdin", given.pop("content"))
        for attempt in range(1, MAX_RETURNS + 1):
            call = _Call(operation, given, stdin, _Sinks(on_stdout, on_stderr, on_progress))
            if operation == "task.exec":
                given["request_id"] = str(uuid.uuid4())
            result = await (self._exec(call) if operation == "task.exec" else self._once(call))
            # The daemon died between writing the command down and giving it to the guest: it has not run.
            has_run = operation != "task.exec" or (result["error"] or {}).get("code") != "DAEMON_UNREACHABLE"
            if has_run or attempt == MAX_RETURNS:
                await call.sinks.end()
                if check:
                    assert_succeeded(result)
                return result
        raise AssertionError("the loop returns")

    async def _once(self, call: _Call) -> Any:
        keys = Keys(call.stdin)
        try:
            return await self._ask(call, keys)
        except Lost as lost:
            raise self._home.unreachable(lost) from lost
        finally:
            keys.close()

    async def _exec(self, call: _Call) -> Any:
        """Runs a command of a task. If the daemon dies, the command is found again by its number or by the request id."""
        keys = Keys(call.stdin)
        try:
            return await self._follow(call, keys)
        finally:
            keys.close()

    async def _follow(self, call: _Call, keys: Keys) -> Any:
        patience = self._home.patience()
        while True:
            try:
                if call.sinks.sequence is None:
                    return await self._ask(call, keys, patience.reached)
                # A terminal has no end of input: typing continues with the new connection.
                is_typed = bool(call.fields.get("tty")) and not keys.is_over
                return await self._ask(call.following(is_typed), keys if is_typed else None, patience.reached)
            except Lost as lost:
                pause = patience.pause(lost, call.sinks.count)
                if pause is None:
                    raise self._home.unreachable(lost) from lost
            except PyroError as error:
                pause = patience.pause(error, call.sinks.count) if error.code == "DAEMON_UNREACHABLE" else None
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _ask(self, call: _Call, keys: Keys | None, on_open: Callable[[], None] = lambda: None) -> Any:
        """Sends a request to the daemon, and starts the daemon if none runs."""
        fields = self._home.with_env(call.operation, call.fields)
        for starts in range(MAX_STARTS + 1):
            try:
                async with AsyncExchange.open(self._socket(), route_of(call.operation), VERSION, fields, keys) as exchange:
                    on_open()
                    async for event in exchange.events():
                        await call.sinks.add(event)
                if not self._home.far_socket():
                    return exchange.result
                return await asyncio.to_thread(self._home.show, call.operation, fields, exchange.result)
            except (NotListening, Unanswered) as absent:
                self._assert_absent(absent)
                if starts == MAX_STARTS:
                    raise self._home.unreachable(Lost("no daemon listens")) from None
            except PyroError as error:
                if error.details.get("restarting") is not True or starts == MAX_STARTS:
                    raise
            await asyncio.to_thread(self._home.start_daemon)
        raise AssertionError("the loop returns or raises")

    async def _find_far_socket(self) -> None:
        if not self._home.knows_far_socket():
            await asyncio.to_thread(self._home.far_socket)

    def _assert_absent(self, absent: Exception) -> None:
        """Raises the error unless it means that no daemon runs. A connection that ssh accepted and then closed means that, too."""
        if isinstance(absent, Unanswered) and not self._home.far_socket():
            raise absent

    def _socket(self) -> str:
        socket = self._home.socket()
        if socket is None:
            raise NotListening
        return socket

    async def _call_in_thread(
        self, operation: str, fields: Mapping[str, object], stdin: Stdin, check: bool, sinks: Mapping[str, Any]
    ) -> Any:
        """Performs a call that packs files or runs the executable. That blocks, so it is done in a thread."""
        loop = asyncio.get_running_loop()
        cancellation = Cancellation()

        def in_loop(sink: Callable[[Any], object]) -> Callable[[Any], object]:
            async def run(value: object) -> None:
                await settled(sink(value))

            return lambda value: asyncio.run_coroutine_threadsafe(run(value), loop).result()

        given_sinks = {name: in_loop(sink) for name, sink in sinks.items() if sink}
        pieces = None if stdin is None else [piece async for piece in pieces_of(stdin)]
        work = asyncio.ensure_future(
            asyncio.to_thread(
                lambda: self._blocking._call(
                    operation, fields, stdin=pieces, check=check, cancellation=cancellation, **given_sinks
                )
            )
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            cancellation.cancel()
            await asyncio.wait([work])
            raise


class _Sinks:
    """Passes events on to the caller's callbacks, and waits for those that are coroutines."""

    def __init__(
        self, on_stdout: OnOutput | None, on_stderr: OnOutput | None, on_progress: OnProgress | None
    ) -> None:
        self._returned: list[object] = []
        keep = self._keep
        self._follower = Follower(
            on_stdout and keep(on_stdout), on_stderr and keep(on_stderr), on_progress and keep(on_progress)
        )

    @property
    def sequence(self) -> int | None:
        return self._follower.sequence

    @property
    def count(self) -> int:
        return self._follower.count

    def offsets(self) -> dict[str, int]:
        return self._follower.offsets()

    async def add(self, event: Event) -> None:
        self._follower.add(event)
        await self._settle()

    async def end(self) -> None:
        self._follower.end()
        await self._settle()

    def _keep(self, sink: Callable[[Any], object]) -> Callable[[Any], object]:
        return lambda value: self._returned.append(sink(value))

    async def _settle(self) -> None:
        returned, self._returned = self._returned, []
        for value in returned:
            await settled(value)


class _Call:
    """A call of an operation. Its request is sent again when the daemon dies."""

    def __init__(self, operation: str, fields: dict[str, object], stdin: Stdin, sinks: _Sinks) -> None:
        self.operation = operation
        self.fields = fields
        self.stdin = stdin
        self.sinks = sinks

    def following(self, is_typed: bool) -> _Call:
        """The request for the rest of the command's output."""
        kept = followed(self.fields, is_typed=is_typed)
        place = {**kept, "sequence": self.sinks.sequence, **self.sinks.offsets()}
        return _Call("task.follow", place, None, self.sinks)

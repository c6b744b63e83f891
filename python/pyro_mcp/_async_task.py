"""A handle on a task, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol, cast

from ._async_operations import AsyncOperations
from ._async_shell import AsyncShell
from ._async_task_operations import AsyncTaskOperations
from ._errors import PyroError
from ._results import TaskCreateResult, TaskStatusResult


class _Streams(Protocol):
    """The operations that are read as streams."""

    def stream_task_file(
        self, task_id: str, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> AsyncIterator[bytes]: ...

    def stream_task_export(self, task_id: str, path: str, *, gzip: bool = False) -> AsyncIterator[bytes]: ...

    async def shell_task(self, task_id: str, **options: Any) -> AsyncShell: ...


class AsyncTask(AsyncTaskOperations):
    """A VM that stays.

    Attributes:
        task_id: Its id.
        info: Its state when this handle was made; ``await status()`` asks again.
    """

    def __init__(self, operations: AsyncOperations, info: TaskCreateResult | TaskStatusResult) -> None:
        super().__init__(operations, info["task_id"])
        self._streams = cast(_Streams, operations)
        self.info = info

    def stream_file(
        self, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> AsyncIterator[bytes]:
        """The bytes of a file, as they are read: see ``AsyncPyro.stream_task_file``."""
        return self._streams.stream_task_file(self.task_id, path, offset=offset, max_bytes=max_bytes, user=user)

    def stream_export(self, path: str, *, gzip: bool = False) -> AsyncIterator[bytes]:
        """Files as a tar archive, as they are read: see ``AsyncPyro.stream_task_export``."""
        return self._streams.stream_task_export(self.task_id, path, gzip=gzip)

    async def shell(self, **options: Any) -> AsyncShell:
        """A named terminal in both directions. Takes what ``AsyncPyro.shell_task`` takes."""
        return await self._streams.shell_task(self.task_id, **options)


class AsyncTaskContext:
    """A task for ``async with``, which deletes it at the end of the block."""

    def __init__(self, operations: AsyncOperations, create: Callable[[], Awaitable[TaskCreateResult]]) -> None:
        self._operations = operations
        self._create = create
        self._task: AsyncTask | None = None

    async def __aenter__(self) -> AsyncTask:
        self._task = AsyncTask(self._operations, await self._create())
        return self._task

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._task:
                await self._task.delete()
        except PyroError as refused:
            if refused.code != "NOT_FOUND":
                raise

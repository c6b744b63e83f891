"""A handle on a task."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, cast

from ._errors import PyroError
from ._operations import Operations
from ._results import TaskCreateResult, TaskStatusResult
from ._shell import Shell
from ._task_operations import TaskOperations
from ._watch import WatchEvent


class _Streams(Protocol):
    """The operations that are read as streams."""

    def stream_task_file(
        self, task_id: str, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> Iterator[bytes]: ...

    def stream_task_export(self, task_id: str, path: str, *, gzip: bool = False) -> Iterator[bytes]: ...

    def shell_task(self, task_id: str, **options: Any) -> Shell: ...

    def watch_task(
        self, task_id: str, source_path: str | os.PathLike[str], **options: Any
    ) -> Iterator[WatchEvent]: ...


class Task(TaskOperations):
    """A VM that stays. As a context manager it deletes the task at the end of the block.

    Attributes:
        task_id: Its id.
        info: Its state when this handle was made; ``status()`` asks again.
    """

    def __init__(self, operations: Operations, info: TaskCreateResult | TaskStatusResult) -> None:
        super().__init__(operations, info["task_id"])
        self._streams = cast(_Streams, operations)
        self.info = info

    def stream_file(
        self, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> Iterator[bytes]:
        """The bytes of a file, as they are read: see ``Pyro.stream_task_file``."""
        return self._streams.stream_task_file(self.task_id, path, offset=offset, max_bytes=max_bytes, user=user)

    def stream_export(self, path: str, *, gzip: bool = False) -> Iterator[bytes]:
        """Files as a tar archive, as they are read: see ``Pyro.stream_task_export``."""
        return self._streams.stream_task_export(self.task_id, path, gzip=gzip)

    def shell(self, **options: Any) -> Shell:
        """A named terminal in both directions. Takes what ``Pyro.shell_task`` takes."""
        return self._streams.shell_task(self.task_id, **options)

    def watch(self, source_path: str | os.PathLike[str], **options: Any) -> Iterator[WatchEvent]:
        """Pushes a directory whenever something in it changes. Takes what ``Pyro.watch_task`` takes."""
        return self._streams.watch_task(self.task_id, source_path, **options)

    def __enter__(self) -> Task:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.delete()
        except PyroError as refused:
            if refused.code != "NOT_FOUND":
                raise

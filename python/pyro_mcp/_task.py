"""A handle on a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin
from ._errors import PyroError
from ._operations import (
    TaskCreateResult,
    TaskDeleteResult,
    TaskExecOutputResult,
    TaskExecResult,
    TaskExecSignalResult,
    TaskLogsResult,
    TaskStatusResult,
    TaskSyncPushResult,
)

if TYPE_CHECKING:
    from ._pyro import Pyro


class Task:
    """A VM that stays. As a context manager it deletes the task at the end of the block.

    Attributes:
        task_id: Its id.
        info: What was known of it when this handle was made; ``status()`` asks anew.
    """

    def __init__(self, pyro: Pyro, info: TaskCreateResult | TaskStatusResult) -> None:
        self._pyro = pyro
        self.task_id = info["task_id"]
        self.info = info

    def exec(
        self,
        command: str | Sequence[str],
        *,
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        background: bool = False,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskExecResult:
        """Run a command in it: see ``Pyro.exec_task``."""
        return self._pyro.exec_task(
            self.task_id,
            command=command,
            timeout_seconds=timeout_seconds,
            cwd=cwd,
            env=env,
            background=background,
            stdin=stdin,
            check=check,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def output(
        self,
        sequence: int,
        *,
        stdout_offset: int = 0,
        stderr_offset: int = 0,
        max_bytes: int = 32768,
        wait_seconds: int = 0,
        wait_for: Literal["output", "end"] = "output",
    ) -> TaskExecOutputResult:
        """What a command of it wrote, from a place on: see ``Pyro.output_task``."""
        return self._pyro.output_task(
            self.task_id,
            sequence,
            stdout_offset=stdout_offset,
            stderr_offset=stderr_offset,
            max_bytes=max_bytes,
            wait_seconds=wait_seconds,
            wait_for=wait_for,
        )

    def signal(self, sequence: int, *, signal: str = "TERM") -> TaskExecSignalResult:
        """Send a signal to a running command of it and all it started."""
        return self._pyro.signal_task(self.task_id, sequence, signal=signal)

    def sync_push(
        self,
        source_path: str | PathLike[str],
        *,
        dest: str = "/workspace",
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        delete: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskSyncPushResult:
        """Bring a directory or an archive of this machine into its workspace: see ``Pyro.push_task_sync``."""
        return self._pyro.push_task_sync(
            self.task_id,
            source_path,
            dest=dest,
            exclude=exclude,
            include=include,
            links=links,
            delete=delete,
            dry_run=dry_run,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def status(self) -> TaskCreateResult:
        """What is known of it now."""
        return self._pyro.status_task(self.task_id)

    def logs(self) -> TaskLogsResult:
        """Every command with its output, also after its VM has died."""
        return self._pyro.logs_task(self.task_id)

    def delete(self) -> TaskDeleteResult:
        """Remove it with its VM and its logs; commands that run are aborted."""
        return self._pyro.delete_task(self.task_id)

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

"""A handle on a task."""

from __future__ import annotations

from types import TracebackType

from ._errors import PyroError
from ._operations import Operations, TaskCreateResult, TaskOperations, TaskStatusResult


class Task(TaskOperations):
    """A VM that stays. As a context manager it deletes the task at the end of the block.

    Attributes:
        task_id: Its id.
        info: What was known of it when this handle was made; ``status()`` asks anew.
    """

    def __init__(self, operations: Operations, info: TaskCreateResult | TaskStatusResult) -> None:
        super().__init__(operations, info["task_id"])
        self.info = info

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

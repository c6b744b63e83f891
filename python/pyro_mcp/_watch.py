"""A directory that is pushed whenever something in it changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from typing import Literal, TypedDict, Union

from ._daemon import Home
from ._errors import PyroError
from ._results import TaskSyncPushResult


class PushedEvent(TypedDict):
    """A push that was made."""

    event: Literal["pushed"]
    changed: list[str]
    result: TaskSyncPushResult


class FailedEvent(TypedDict):
    """A push that failed. If ``retries``, it is tried again without a change; otherwise after the next change."""

    event: Literal["failed"]
    error: PyroError
    retries: bool


WatchEvent = Union[PushedEvent, FailedEvent]


def watch(home: Home, task_id: str, source_path: str | os.PathLike[str], flags: Sequence[str]) -> Iterator[WatchEvent]:
    """Reads what the executable reports, which watches the directory, until the reader stops."""
    words = [home.executable(), "task", "watch", task_id, os.path.abspath(source_path), "--json", *flags]
    with subprocess.Popen(
        words,
        env=home.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield _parse(json.loads(line))
        finally:
            process.send_signal(signal.SIGINT)


def _parse(event: dict[str, object]) -> WatchEvent:
    """The event; raises the error if it ended the watch."""
    error = event.get("error")
    if isinstance(error, dict):
        event["error"] = PyroError.from_body(error)
    if "event" not in event and isinstance(event["error"], PyroError):
        raise event["error"]
    return event  # type: ignore[return-value]

"""The one error of the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


REPEAT = "Repeat the call if its result is still needed."
"""The next step after ABORTED."""


class PyroError(Exception):
    """A code to act on, the facts, and the next step.

    Attributes:
        code: What went wrong, as a stable word such as ``NOT_FOUND``; docs/public-contract.md lists them.
        message: The same for people.
        hint: The next step.
        details: The facts, by the names of the wire.
    """

    def __init__(self, code: str, message: str, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]" + (f" {self.hint}" if self.hint else "")

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> PyroError:
        """The error that the daemon has sent."""
        return cls(body["code"], body["message"], body.get("hint", ""), body.get("details"))


class CommandFailedError(PyroError):
    """Raised by ``check=True`` when a command does not succeed: code ``COMMAND_FAILED``.

    Attributes:
        result: How the command ended, with its output.
    """

    def __init__(self, result: Mapping[str, Any]) -> None:
        names = ("exit_code", "timed_out", "aborted", "oom_killed")
        super().__init__(
            "COMMAND_FAILED",
            f"The command {_end_of(result)}: {result['command'][:200]}",
            "Look at the output in the result of the error.",
            {name: result[name] for name in names},
        )
        self.result = result


def assert_succeeded(result: Mapping[str, Any]) -> None:
    """Raises CommandFailedError unless a command ended with exit code 0, or still runs."""
    if result.get("state") == "running":
        return
    if result["exit_code"] != 0 or result["timed_out"] or result["aborted"]:
        raise CommandFailedError(result)


def _end_of(result: Mapping[str, Any]) -> str:
    if result["timed_out"]:
        return "was ended by its time-out"
    if result["aborted"]:
        return "was aborted"
    error = result.get("error")
    if error:
        return f"ended without an exit code ({error['message']})"
    return f"ended with exit code {result['exit_code']}{', out of memory' if result['oom_killed'] else ''}"

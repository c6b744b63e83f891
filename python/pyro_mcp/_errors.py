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

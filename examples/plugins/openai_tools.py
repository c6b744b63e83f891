# Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
"""Executes the calls of OpenAI's local shell tool in a VM: a loop over the Responses API needs one line for it."""

from __future__ import annotations

import base64
import math
from typing import Any

from openai.types.responses import Response
from pyro_mcp import PyroError, Task

SHELL = {"type": "shell", "environment": {"type": "local"}}
"""The tool, for ``tools=[SHELL]``."""
MAX_TIMEOUT_SECONDS = 86400


def shell_outputs(response: Response, task: Task) -> list[dict[str, Any]]:
    """Executes every call of the shell tool in a response.

    Returns:
        The items for the ``input`` of the next request, one for each call; none when the model has called no shell.

    Raises:
        PyroError: The VM has ended.
    """
    return [shell_output(item, task) for item in response.output if item.type == "shell_call"]


def shell_output(call: Any, task: Task) -> dict[str, Any]:
    """Executes the commands of one call, one after the other; each has ``timeout_ms`` of the call."""
    limit = call.action.max_output_length
    output = [_run(command, call.action.timeout_ms, limit, task) for command in call.action.commands]
    item: dict[str, Any] = {"type": "shell_call_output", "call_id": call.call_id, "output": output}
    return item if limit is None else {**item, "max_output_length": limit}


def _run(command: str, timeout_ms: int | None, limit: int | None, task: Task) -> dict[str, Any]:
    options = {} if timeout_ms is None else {"timeout_seconds": min(max(1, math.ceil(timeout_ms / 1000)), MAX_TIMEOUT_SECONDS)}
    try:
        result = task.exec(command, **options)
    except PyroError as error:
        if error.code != "INVALID_ARGUMENT":
            raise
        return {"stdout": "", "stderr": str(error), "outcome": {"type": "exit", "exit_code": 2}}
    if error := result["error"]:
        raise PyroError(error["code"], error["message"])
    outcome = {"type": "timeout"} if result["timed_out"] else {"type": "exit", "exit_code": result["exit_code"]}
    return {"stdout": _text(result, "stdout", limit), "stderr": _text(result, "stderr", limit), "outcome": outcome}


def _text(result: Any, stream: str, limit: int | None) -> str:
    text = result[stream]
    if result[f"{stream}_encoding"] == "base64":
        text = base64.b64decode(text).decode(errors="replace")
    if limit is None or len(text) <= limit:
        return text
    # The beginning and the end say most.
    return text[: limit // 2] + text[len(text) - (limit - limit // 2) :]

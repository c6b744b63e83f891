# Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
"""Anthropic's bash and text editor tools, executed in a VM: ``client.beta.messages.tool_runner(tools=pyro_tools(task), …)``."""

from __future__ import annotations

import base64
from typing import Any

from anthropic.lib.tools import BetaBuiltinFunctionTool, ToolError
from pyro_mcp import PyroError, Task

MAX_CHARACTERS = 100_000
STATE = "/tmp/.bash-state"
# The directory, exported variables and functions of one call are those of the next one.
SESSION = f"""[ -r {STATE} ] && . {STATE} 2>/dev/null
trap '{{ declare -px; declare -f; printf "cd %q\\n" "$PWD"; }} >{STATE}' EXIT
eval "$1"
"""


def pyro_tools(task: Task, *, timeout_seconds: int = 120) -> list[BetaBuiltinFunctionTool]:
    """Both tools, for a task whose image has bash.

    Args:
        task: The VM; ``with Pyro().task("debian:12") as task`` deletes it at the end of the block.
        timeout_seconds: Seconds after which a command is killed.
    """
    return [BashTool(task, timeout_seconds), TextEditorTool(task)]


class BashTool(BetaBuiltinFunctionTool):
    """``bash_20250124``. A command that fails is a result with its exit code; one that is out of time is an error."""

    def __init__(self, task: Task, timeout_seconds: int) -> None:
        self._task, self._timeout = task, timeout_seconds

    def to_dict(self) -> Any:
        return {"type": "bash_20250124", "name": "bash"}

    def call(self, input: Any) -> str:
        if input.get("restart"):
            self._task.exec(["rm", "-f", STATE], check=True)
            return "The shell was restarted."
        command = input.get("command")
        if not isinstance(command, str) or not command:
            raise ToolError("Error: command is required.")
        words = ["bash", "-c", SESSION, "bash", command]
        try:
            result = self._task.exec(words, timeout_seconds=self._timeout, interleaved=True)
        except PyroError as error:
            raise ToolError(f"Error: {error}") from error
        if result["error"]:
            raise ToolError(f"Error: {result['error']['message']}")
        output = _output(result)
        if result["timed_out"]:
            raise ToolError(f"{output}\nError: The command timed out after {self._timeout} seconds and was killed.".lstrip())
        return output + (f"\n[exit code {result['exit_code']}]" if result["exit_code"] else "")


class TextEditorTool(BetaBuiltinFunctionTool):
    """``text_editor_20250728``. Relative paths start at ``/workspace``."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def to_dict(self) -> Any:
        return {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}

    def call(self, input: Any) -> str:
        commands = {"view": self._view, "create": self._create, "str_replace": self._replace, "insert": self._insert}
        work = commands.get(input.get("command"))
        if work is None:
            raise ToolError(f"Error: Unknown command {input.get('command')!r}; the commands are {', '.join(commands)}.")
        try:
            return work(**{name: value for name, value in input.items() if name != "command" and value is not None})
        except TypeError as error:
            raise ToolError(f"Error: {error}") from error
        except PyroError as error:
            raise ToolError(_explained(error)) from error

    def _view(self, path: str, view_range: list[int] | None = None) -> str:
        if self._task.stat_file(path)["type"] == "directory":
            found = self._task.exec(["find", path, "-maxdepth", "2", "-not", "-path", "*/.*"], check=True)
            return str(found["stdout"])
        first, last = view_range or [1, -1]
        seen = self._task.view_file(path, offset=max(first, 1), limit=10_000 if last == -1 else max(last - first + 1, 1))
        rest = f"\n[the file continues at line {seen['next_line']}]" if seen["next_line"] and last == -1 else ""
        return seen["text"] + rest

    def _create(self, path: str, file_text: str) -> str:
        self._task.write_file(path, file_text)
        return f"File created successfully at {path}."

    def _replace(self, path: str, old_str: str, new_str: str = "") -> str:
        edited = self._task.edit_file(path, old=old_str, new=new_str)
        return f"Successfully replaced text at exactly one location.\n{edited['text']}"

    def _insert(self, path: str, insert_line: int, insert_text: str) -> str:
        lines = b"".join(self._task.stream_file(path)).decode().splitlines(keepends=True)
        if not 0 <= insert_line <= len(lines):
            raise ToolError(f"Error: insert_line is {insert_line}; {path} has {len(lines)} lines.")
        if insert_line and not lines[insert_line - 1].endswith("\n"):
            lines[insert_line - 1] += "\n"
        lines.insert(insert_line, insert_text if insert_text.endswith("\n") else f"{insert_text}\n")
        self._task.write_file(path, "".join(lines))
        return f"Text inserted into {path} after line {insert_line}."


def _output(result: Any) -> str:
    """Both streams in the order of arrival; of a long output the beginning and the end."""
    text = b"".join(
        base64.b64decode(piece["text"]) if result[f"{piece['stream']}_encoding"] == "base64" else piece["text"].encode()
        for piece in result["interleaved"]
    ).decode(errors="replace")
    if len(text) <= MAX_CHARACTERS:
        return text
    half = MAX_CHARACTERS // 2
    return f"{text[:half]}\n[the middle of the output was left out]\n{text[-half:]}"


def _explained(error: PyroError) -> str:
    """The error in the words of Anthropic's page about the tool."""
    matches = error.details.get("found", 0)
    return {
        "FILE_NOT_FOUND": "Error: File not found",
        "FILE_REFUSED": "Error: Permission denied. Cannot write to file.",
        "FILE_EDIT_MISMATCH": f"Error: Found {matches} matches for replacement text. Please provide more context to make a unique match."
        if matches
        else "Error: No match found for replacement. Please check your text and try again.",
    }.get(error.code, f"Error: {error}")

# Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
"""A backend for deepagents whose files and commands are those of a VM, made when the agent first needs it."""

from __future__ import annotations

import asyncio
import base64
import errno
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from deepagents.backends.protocol import ExecuteResponse, FileDownloadResponse, FileUploadResponse
from deepagents.backends.sandbox import BaseSandbox
from pyro_mcp import AsyncPyro, Pyro, PyroError

MAX_COMMAND_BYTES = 49152
MAX_TIMEOUT_SECONDS = 86400
# The protocol's names for the errors that a model can act on.
ERRORS = {
    errno.ENOENT: "file_not_found",
    errno.EISDIR: "is_directory",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.ENOTDIR: "invalid_path",
    errno.ENAMETOOLONG: "invalid_path",
    errno.ELOOP: "invalid_path",
}


class PyroSandbox(BaseSandbox):
    """A VM as a backend: ``with PyroSandbox() as backend: create_deep_agent(model=…, backend=backend)``.

    The VM is made by the first command or file, and deleted at the end of the block or by ``close()``.

    Args:
        environment: A name of ``pyro env list``, or an image such as ``python:3.12``. It needs ``python3`` and ``grep``.
        timeout: Seconds that a command may take unless the model asks for another time.
        options: What ``Pyro.create_task`` takes, such as ``mem_mib``, ``network``, ``user`` or ``source_path``.
    """

    enable_capture_offload = True

    def __init__(self, environment: str = "debian:12", *, timeout: int = 1800, **options: Any) -> None:
        self._pyro, self._async_pyro = Pyro(), AsyncPyro()
        self._timeout = timeout
        self._options = {"environment": environment, "name": f"deepagents-{uuid.uuid4().hex[:12]}", **options}
        self._lock = threading.Lock()
        self._user: str | None = None

    @property
    def id(self) -> str:
        """The name of the task, for ``pyro task``."""
        return self._options["name"]

    def __enter__(self) -> PyroSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Deletes the VM and ends its commands. A later command makes a new one."""
        with self._lock:
            if self._user is None:
                return
            self._user = None
            try:
                self._pyro.delete_task(self.id)
            except PyroError as error:
                if error.code != "NOT_FOUND":
                    raise

    def execute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """Runs a command in ``/workspace``; both streams come in the order of arrival. A time-out of 0 seconds is none.

        Raises:
            PyroError: The VM has ended, or could not be made.
        """
        self._ready()
        request = self._request(command, timeout)
        with _wrong_input() as wrong:
            return _response(self._pyro.exec_task(self.id, **request), request["timeout_seconds"])
        return wrong[0]

    async def aexecute(self, command: str, *, timeout: int | None = None) -> ExecuteResponse:
        """The same. If its asyncio task is cancelled, the command is ended in the VM."""
        await asyncio.to_thread(self._ready)
        request = await asyncio.to_thread(self._request, command, timeout)
        with _wrong_input() as wrong:
            return _response(await self._async_pyro.exec_task(self.id, **request), request["timeout_seconds"])
        return wrong[0]

    def upload_files(self, files: list[tuple[str, bytes]]) -> list[FileUploadResponse]:
        return [FileUploadResponse(path, self._write(path, content)) for path, content in files]

    def download_files(self, paths: list[str]) -> list[FileDownloadResponse]:
        return [FileDownloadResponse(path, *self._read(path)) for path in paths]

    def _write(self, path: str, content: bytes) -> str | None:
        if not path.startswith("/"):
            return "invalid_path"
        user = self._ready()
        try:
            # A write replaces a file, which needs no right to the old one. An append needs it.
            self._pyro.write_task_file(self.id, path, b"", append=True, user=user)
            self._pyro.write_task_file(self.id, path, content, user=user)
            return None
        except PyroError as error:
            return _error(error)

    def _read(self, path: str) -> tuple[bytes | None, str | None]:
        if not path.startswith("/"):
            return None, "invalid_path"
        user = self._ready()
        try:
            return b"".join(self._pyro.stream_task_file(self.id, path, user=user)), None
        except PyroError as error:
            return None, _error(error)

    def _ready(self) -> str:
        """Makes the VM unless there is one, and returns its user."""
        with self._lock:
            if self._user is None:
                self._user = self._pyro.create_task(**self._options)["user"]
            return self._user

    def _request(self, command: str, timeout: int | None) -> dict[str, Any]:
        seconds = self._timeout if timeout is None else timeout
        if len(command.encode()) > MAX_COMMAND_BYTES:
            # Edits of the base class are up to 67 kB long.
            script = f"/tmp/.deepagents-{uuid.uuid4().hex}"
            self._pyro.write_task_file(self.id, script, f'rm -f "$0"\n{command}\n', mode="0600", user=self._user)
            command = f"exec sh {script}"
        seconds = min(seconds, MAX_TIMEOUT_SECONDS) or MAX_TIMEOUT_SECONDS
        return {"command": command, "timeout_seconds": seconds, "interleaved": True}


def _response(result: Any, timeout: int) -> ExecuteResponse:
    if error := result["error"]:
        raise PyroError(error["code"], error["message"])
    pieces = (_bytes(piece["text"], result[f"{piece['stream']}_encoding"]) for piece in result["interleaved"])
    output = b"".join(pieces).decode(errors="replace")
    if result["timed_out"]:
        output += f"\nError: Command timed out after {timeout} seconds. It was killed with all that it has started."
    return ExecuteResponse(output, result["exit_code"], result["stdout_truncated"] or result["stderr_truncated"])


def _bytes(text: str, encoding: str) -> bytes:
    return base64.b64decode(text) if encoding == "base64" else text.encode()


@contextmanager
def _wrong_input() -> Iterator[list[ExecuteResponse]]:
    """Makes an answer for the model of a command that pyro refuses, such as one with a NUL."""
    answers: list[ExecuteResponse] = []
    try:
        yield answers
    except PyroError as error:
        if error.code != "INVALID_ARGUMENT":
            raise
        answers.append(ExecuteResponse(f"Error: {error}", 1))


def _error(error: PyroError) -> str:
    return ERRORS.get(getattr(errno, error.details.get("errno", ""), 0), str(error))

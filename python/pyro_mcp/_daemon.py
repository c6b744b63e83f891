"""Where the daemon of a home listens, and how one is started. The rules themselves are those of the `pyro` executable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._errors import PyroError
from ._patience import Patience
from ._settings import is_path, with_host_env

_INSTALL = "Install it with `npm install --global pyro-mcp`, or name it in PYRO_EXECUTABLE."


_PERFORMED = {
    "task.port.publish",
    "task.port.list",
    "task.port.close",
    "task.service.start",
    "task.service.stop",
    "task.delete",
    "env.export",
    "env.import",
}

_ABSOLUTE = "Set PYRO_HOME to an absolute path, or to one that begins with ~/. Variables and ~user are not expanded."


def _from_variable() -> str:
    """The path that PYRO_HOME names. Raises HOME_UNUSABLE for a relative one, as the executable does."""
    text = os.environ.get("PYRO_HOME") or "~/.pyro"
    path = _expand(text)
    if os.path.isabs(path):
        return path
    raise PyroError("HOME_UNUSABLE", f"PYRO_HOME is {text}, which is not an absolute path.", _ABSOLUTE, {"path": text})


def _expand(text: str) -> str:
    return str(Path.home()) + text[1:] if text == "~" or text.startswith("~/") else text


class Home:
    """One PYRO_HOME, or a context of it, and the executable that serves it."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        executable: str | os.PathLike[str] | None,
        context: str | None = None,
    ) -> None:
        # A link stands for the directory it leads to, as it does for the executable.
        self.path = os.path.realpath(_from_variable() if not path else _expand(os.fspath(path)))
        self._executable = executable
        self._context = context
        # The socket that leads to another machine, once it is known; "" for this machine.
        self._far: str | None = None

    def knows_far_socket(self) -> bool:
        """False when the executable has to be asked for the socket."""
        if self._far is None:
            named = self._context or os.environ.get("PYRO_CONTEXT")
            if named == "local" or (not named and not os.path.exists(os.path.join(self.path, "contexts.json"))):
                self._far = ""
        return self._far is not None

    def far_socket(self) -> str:
        """The socket that leads to another machine's daemon; "" for this machine. Raises NOT_FOUND for an unknown context."""
        if not self.knows_far_socket():
            self._far = self._run("__socket", {})["socket"]
        return self._far or ""

    def socket(self) -> str | None:
        """The daemon's socket, or None where no daemon has listened yet. A copied home's link leads to the original's: not ours."""
        if far := self.far_socket():
            return far
        key = hashlib.sha256(self.path.encode()).hexdigest()[:12]
        try:
            runtime = os.readlink(os.path.join(self.path, "run"))
            status = os.lstat(runtime)
        except OSError:
            return None
        ours = os.path.basename(runtime) == key and stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        return os.path.join(runtime, "daemon.sock") if ours else None

    def unreachable(self, lost: Exception) -> PyroError:
        """The error after attempts that all failed; ``lost`` is the last one."""
        if self._far:
            hint = "Check the connection, and try again: pyro context check"
            return PyroError("DAEMON_UNREACHABLE", f"The daemon of the other machine did not answer: {lost}.", hint)
        log = os.path.join(self.path, "daemon.log")
        hint = f"Look at the end of {log}, and try again."
        return PyroError("DAEMON_UNREACHABLE", f"The daemon did not answer: {lost}.", hint, {"log": log})

    def start_daemon(self) -> None:
        """Starts the daemon, or waits for the one that starts; returns when it listens."""
        executable = self.executable()
        try:
            done = subprocess.run(
                [executable, "daemon", "start", "--json"],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise PyroError("HOST_NOT_ABLE", f"{executable} cannot be run: {error.strerror}.", _INSTALL) from error
        if done.returncode == 0:
            return
        try:
            body = json.loads(done.stdout)["error"]
        except (ValueError, KeyError, TypeError):
            reason = (done.stderr or done.stdout).strip()
            raise PyroError("DAEMON_UNREACHABLE", f"pyro could not start its daemon: {reason}") from None
        raise PyroError.from_body(body)

    def call_local(self, operation: str, fields: Mapping[str, object]) -> Any:
        """Has the executable perform an operation: only it has the code that writes into a user's directory and forwards ports."""
        return self._run("__call", fields, operation)

    def performs(self, operation: str, fields: Mapping[str, object]) -> bool:
        """True when the executable has to perform an operation on another machine, to forward ports or to refuse files of this machine."""
        if not self.far_socket():
            return False
        images = (fields.get("environment"), fields.get("from"))
        return operation in _PERFORMED or any(isinstance(image, str) and is_path(image) for image in images)

    def with_env(self, operation: str, fields: Mapping[str, object]) -> Mapping[str, object]:
        """Adds this process's proxies and certificates, which mean nothing on another machine."""
        return fields if self.far_socket() else with_host_env(operation, fields)

    def patience(self) -> Patience:
        """How long one call waits for a daemon that it has lost."""
        return Patience(bool(self.far_socket()))

    def show(self, operation: str, fields: Mapping[str, object], result: Any) -> Any:
        """The result of an operation on another machine, with ports of this machine in place of ports there."""
        if not self.far_socket() or '"host_port":' not in json.dumps(result, separators=(",", ":")):
            return result
        return self._run("__show", {"input": fields, "result": result}, operation)

    def _run(self, command: str, fields: Mapping[str, object], *words: str) -> Any:
        executable = self.executable()
        try:
            done = subprocess.run(
                [executable, command, *words],
                env=self.environment(),
                input=json.dumps(fields, default=os.fspath),
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise PyroError("HOST_NOT_ABLE", f"{executable} cannot be run: {error.strerror}.", _INSTALL) from error
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            reason = (done.stderr or done.stdout).strip()
            raise PyroError("INTERNAL", f"pyro did not answer: {reason}") from None
        if "error" in answer:
            raise PyroError.from_body(answer["error"])
        return answer["result"]

    def environment(self) -> dict[str, str]:
        """The environment for the executable."""
        own = {"PYRO_HOME": self.path}
        return {**os.environ, **own, **({"PYRO_CONTEXT": self._context} if self._context else {})}

    def executable(self) -> str:
        """The `pyro` executable. Raises HOST_NOT_ABLE when it is missing."""
        chosen = self._executable or os.environ.get("PYRO_EXECUTABLE") or shutil.which("pyro")
        if chosen is None:
            raise PyroError(
                "HOST_NOT_ABLE",
                "The program pyro is not in PATH.",
                _INSTALL,
            )
        return os.fspath(chosen)

"""Real virtual machines that a coding agent may break.

    from pyro_mcp import Pyro

    pyro = Pyro()
    print(pyro.run_in_vm("debian:12", command="uname -a")["stdout"])
    with pyro.task("debian:12") as task:
        task.exec(["git", "clone", url])

``AsyncPyro`` has the same for asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._calls import Cancellation
from ._errors import CommandFailedError, PyroError
from ._operations import VERSION as __version__
from ._output import output_bytes
from ._pyro import Pyro
from ._server import Server
from ._shell import Shell
from ._task import Task

if TYPE_CHECKING:
    from ._async_pyro import AsyncPyro
    from ._async_shell import AsyncShell
    from ._async_task import AsyncTask

__all__ = [
    "AsyncPyro",
    "AsyncShell",
    "AsyncTask",
    "Cancellation",
    "CommandFailedError",
    "Pyro",
    "PyroError",
    "Server",
    "Shell",
    "Task",
    "__version__",
    "create_server",
    "output_bytes",
]


def __getattr__(name: str) -> object:
    """Loads the classes for asyncio when they are first asked for: most programs do without."""
    if name == "AsyncPyro":
        from ._async_pyro import AsyncPyro

        return AsyncPyro
    if name == "AsyncShell":
        from ._async_shell import AsyncShell

        return AsyncShell
    if name == "AsyncTask":
        from ._async_task import AsyncTask

        return AsyncTask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def create_server() -> Server:
    """The MCP server of the default home: ``create_server().run()`` serves on standard input and output."""
    return Pyro().create_server()

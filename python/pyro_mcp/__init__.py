"""Real virtual machines that a coding agent may break.

    from pyro_mcp import Pyro

    pyro = Pyro()
    print(pyro.run_in_vm("debian:12", command="uname -a")["stdout"])
    with pyro.task("debian:12") as task:
        task.exec(["git", "clone", url])
"""

from __future__ import annotations

from ._calls import Cancellation
from ._errors import CommandFailedError, PyroError
from ._operations import VERSION as __version__
from ._output import output_bytes
from ._pyro import Pyro
from ._server import Server
from ._task import Task

__all__ = [
    "Cancellation",
    "CommandFailedError",
    "Pyro",
    "PyroError",
    "Server",
    "Task",
    "__version__",
    "create_server",
    "output_bytes",
]


def create_server() -> Server:
    """The MCP server of the default home: ``create_server().run()`` serves on standard input and output."""
    return Pyro().create_server()

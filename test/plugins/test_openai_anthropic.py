"""The executors for OpenAI and Anthropic: their own clients, recorded answers of a model from a server on loopback, and real VMs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from anthropic import Anthropic
from anthropic_tools import pyro_tools
from openai import OpenAI
from openai_tools import SHELL, shell_outputs
from pyro_mcp import Pyro, PyroError, Task


class Recorded(ThreadingHTTPServer):
    """A server that gives one answer after the other, and keeps the requests."""

    def __init__(self, answers: list[dict]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = iter(answers), []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Recorded:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *given: object) -> None:
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        body = json.dumps(next(self.server.answers)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def task() -> Iterator[Task]:
    with Pyro().task("debian:12", mem_mib=512, user="1000:1000") as task:
        yield task
    assert Pyro().list_tasks()["tasks"] == []


def response(*output: dict) -> dict:
    fixed = {"object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return {"id": "resp_1", "status": "completed", "output": list(output), **fixed}


def shell_call(number: int, *commands: str, **action: object) -> dict:
    ids = {"id": f"sh_{number}", "call_id": f"call_{number}"}
    return {"type": "shell_call", "status": "completed", **ids, "action": {"commands": list(commands), **action}}


def test_openai(task) -> None:
    answers = [
        response(
            shell_call(1, "pwd; echo warning >&2; exit 3", "sleep 60", r"printf '\377x'", timeout_ms=1500),
            shell_call(2, "seq 1 1000", max_output_length=20, timeout_ms=20_000),
            shell_call(3, "true \0", timeout_ms=None),
        ),
        response({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []}),
    ]
    with Recorded(answers) as server:
        client = OpenAI(base_url=server.url, api_key="none", max_retries=0)
        answer = client.responses.create(model="m", input="Look.", tools=[SHELL])
        while outputs := shell_outputs(answer, task):
            answer = client.responses.create(model="m", input=outputs, tools=[SHELL], previous_response_id=answer.id)
        first, second = server.requests
    assert first["tools"] == [{"type": "shell", "environment": {"type": "local"}}]
    one, two, three = second["input"]
    assert [one["type"], one["call_id"], two["call_id"]] == ["shell_call_output", "call_1", "call_2"]
    assert one["output"] == [
        {"stdout": "/workspace\n", "stderr": "warning\n", "outcome": {"type": "exit", "exit_code": 3}},
        {"stdout": "", "stderr": "", "outcome": {"type": "timeout"}},
        {"stdout": "\ufffdx", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}},
    ]
    assert two["max_output_length"] == 20 and two["output"][0]["stdout"] == "1\n2\n3\n4\n5\n\n999\n1000\n"
    assert three["output"][0]["outcome"] == {"type": "exit", "exit_code": 2} and three["output"][0]["stderr"]


def test_a_vm_that_has_gone_is_an_error() -> None:
    with Pyro().task("debian:12", mem_mib=512) as task, Recorded([response(shell_call(1, "true"))]) as server:
        answer = OpenAI(base_url=server.url, api_key="none").responses.create(model="m", input="Look.", tools=[SHELL])
        task.delete()
        with pytest.raises(PyroError, match="NOT_FOUND"):
            shell_outputs(answer, task)


def message(*calls: tuple[str, dict]) -> dict:
    content = [{"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": given} for i, (name, given) in enumerate(calls)]
    fixed = {"type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    usage = {"input_tokens": 1, "output_tokens": 1}
    stop = "tool_use" if calls else "end_turn"
    return {"id": "msg_1", "content": content or [{"type": "text", "text": "finished"}], "stop_reason": stop, "usage": usage, **fixed}


def conversation(task: Task, calls: list[tuple[str, dict]], **options: int) -> list[dict]:
    """The results that the SDK's tool runner sends back for one message with these calls."""
    with Recorded([message(*calls), message()]) as server:
        client = Anthropic(base_url=server.url, api_key="none", max_retries=0)
        runner = client.beta.messages.tool_runner(
            model="m", max_tokens=100, messages=[{"role": "user", "content": "Look."}], tools=pyro_tools(task, **options)
        )
        assert runner.until_done().content[0].text == "finished"
        first, second = server.requests
    assert [tool["type"] for tool in first["tools"]] == ["bash_20250124", "text_editor_20250728"]
    return second["messages"][-1]["content"]


def texts(results: list[dict]) -> list[str]:
    return [
        result["content"] if isinstance(result["content"], str) else "".join(block["text"] for block in result["content"])
        for result in results
    ]


def test_anthropics_bash(task) -> None:
    commands = [
        "cd /etc; export WORD='a b'; greet() { echo hello; }",
        'pwd; greet; sleep 0.5; echo "$WORD" >&2; exit 3',
        "sleep 60",
        "pwd; seq 1 100000",
    ]
    calls = [*(("bash", {"command": command}) for command in commands), ("bash", {"restart": True}), ("bash", {"command": "pwd"})]
    results = conversation(task, [*calls, ("bash", {})], timeout_seconds=5)
    said = texts(results)
    assert said[1].startswith("/etc\nhello\na b\n") and said[1].endswith("[exit code 3]")
    assert "timed out after 5 seconds" in said[2]
    assert said[3].startswith("/etc\n1\n") and said[3].endswith("\n100000\n") and len(said[3]) < 101_000
    assert said[5] == "/workspace\n"
    assert [result.get("is_error", False) for result in results] == [False, False, True, False, False, False, True]


def test_anthropics_text_editor(task) -> None:
    def edit(command: str, **given: object) -> tuple[str, dict]:
        return "str_replace_based_edit_tool", {"command": command, "path": "/workspace/a/app.py", **given}

    results = conversation(task, [
        edit("create", file_text="one\ntwo\ntwo\nthree"),
        edit("str_replace", old_str="one", new_str="1"),
        edit("str_replace", old_str="two", new_str="2"),
        edit("str_replace", old_str="nine", new_str="9"),
        edit("insert", insert_line=4, insert_text="four"),
        edit("insert", insert_line=0, insert_text="zero\n"),
        edit("insert", insert_line=99, insert_text="x"),
        edit("view", view_range=[2, 3]),
        edit("view"),
        edit("view", path="/workspace"),
        edit("view", path="/workspace/none"),
        edit("undo_edit"),
        edit("create"),
        edit("create", path="/etc", file_text=""),
    ])  # fmt: skip
    said = texts(results)
    assert said[2] == "Error: Found 2 matches for replacement text. Please provide more context to make a unique match."
    assert said[3] == "Error: No match found for replacement. Please check your text and try again."
    assert [line.split("\t") for line in said[7].splitlines()] == [["2", "1"], ["3", "two"]]
    lines = [line.split("\t")[1] for line in said[8].splitlines()]
    assert lines == ["zero", "1", "two", "two", "three", "four"]
    assert "/workspace/a/app.py" in said[9].splitlines() and said[10] == "Error: File not found"
    errors = [index for index, result in enumerate(results) if result.get("is_error")]
    assert errors == [2, 3, 6, 10, 11, 12, 13]
    assert task.stat_file("a/app.py")["type"] == "file"

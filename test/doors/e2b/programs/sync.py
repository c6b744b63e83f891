"""A program of E2B's Python SDK, as its users write them."""

from e2b import CommandExitException, NotFoundException, Sandbox, TimeoutException

sandbox = Sandbox.create(metadata={"kind": "python program"}, envs={"GREETING": "hello"}, timeout=120)
try:
    result = sandbox.commands.run("echo $GREETING; echo err >&2")
    assert (result.stdout, result.stderr, result.exit_code) == ("hello\n", "err\n", 0)
    assert sandbox.commands.run("id -u", user="root").stdout == "0\n"
    try:
        sandbox.commands.run("exit 4")
        raise AssertionError
    except CommandExitException as error:
        assert error.exit_code == 4
    try:
        sandbox.commands.run("sleep 60", timeout=1)
        raise AssertionError
    except TimeoutException:
        pass
    lines = []
    sandbox.commands.run("for i in 1 2 3; do echo $i; sleep 0.1; done", on_stdout=lines.append)
    assert "".join(lines) == "1\n2\n3\n"

    sandbox.files.make_dir("watched")
    watching = sandbox.files.watch_dir("watched")
    sandbox.files.write("watched/new", "text")
    assert [event.type.name for event in watching.get_new_events()] == ["CREATE", "CHMOD", "WRITE"]
    watching.stop()
    assert sandbox.files.read("watched/new") == "text"
    assert sandbox.files.read("watched/new", format="bytes") == bytearray(b"text")
    assert [entry.name for entry in sandbox.files.list("watched")] == ["new"]
    assert not sandbox.files.exists("nothing")
    try:
        sandbox.files.read("nothing")
        raise AssertionError
    except NotFoundException:
        pass

    handle = sandbox.commands.run("cat", background=True, stdin=True)
    sandbox.commands.send_stdin(handle.pid, "typed\n")
    for out, _, _ in handle:
        assert out == "typed\n"
        break
    assert sandbox.commands.kill(handle.pid)
    assert not sandbox.commands.kill(handle.pid)

    again = Sandbox.connect(sandbox.sandbox_id)
    assert again.files.read("watched/new") == "text"
    assert any(each.sandbox_id == sandbox.sandbox_id for each in Sandbox.list().next_items())
    assert again.is_running()
finally:
    assert sandbox.kill()
assert not sandbox.is_running()
print("sync done")

"""The client."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ._bytes import iterate
from ._build import parse_copy, read_script
from ._calls import Cancellation, Default, Keys, OnOutput, OnProgress, Stdin, pieces_of
from ._daemon import Home
from ._errors import REPEAT, PyroError, assert_succeeded
from ._exchange import Event, SendSource, exchange
from ._follower import Follower
from ._operations import LOCAL, VERSION, Operations
from ._pack import Source, open_source
from ._patience import MAX_RETURNS
from ._server import Server
from ._settings import absolute, timeout_env
from ._setup import setup_digest
from ._stream import Lost, NotListening, Stream, Unanswered
from ._shell import Shell
from ._task import Task
from ._watch import WatchEvent, watch

MAX_STARTS = 5
"""How often a call starts the daemon, or waits for one that ends, before it gives up."""
_SCAN_EVENT_SECONDS = 0.2

_MAX_INLINE_LENGTH = 131072
"""Longer content of a file does not go into the line of JSON, which has a limit, but follows it."""

# The files that the daemon reads or writes for a caller.
_FILES = {"env.export": "output", "env.import": "file"}

_OnEvent = Callable[[Event], None]
_Answer = TypeVar("_Answer")


class Pyro(Operations):
    """All operations of pyro. The first call starts the daemon if none runs.

    Args:
        home: The home of the daemon; by default ``PYRO_HOME``, or ``~/.pyro``. A relative path starts at the working directory.
        context: A context of the home, as ``pyro context add`` makes it; by default ``PYRO_CONTEXT``, or the current one.
        executable: The ``pyro`` executable; by default ``PYRO_EXECUTABLE``, or the one in ``PATH``.
    """

    def __init__(
        self,
        *,
        home: str | os.PathLike[str] | None = None,
        context: str | None = None,
        executable: str | os.PathLike[str] | None = None,
    ) -> None:
        self._home = Home(home, executable, context)

    def task(self, environment: str, **options: Any) -> Task:
        """Creates a task, for ``with``: it is deleted at the end of the block. Takes what ``create_task`` takes."""
        return Task(self, self.create_task(environment, **options))

    def open_task(self, task_id: str) -> Task:
        """A handle on an existing task."""
        return Task(self, self.status_task(task_id))

    def stream_task_file(
        self, task_id: str, path: str, *, offset: int = 0, max_bytes: int | None = None, user: str | None = None
    ) -> Iterator[bytes]:
        """The bytes of a file of a task, as they are read: of any size, in little memory.

        Raises as ``read_task_file`` does, when it is read. ``b"".join(…)`` makes one value of them.
        """
        return self._stream("task.file.fetch", task_id=task_id, path=path, offset=offset, max_bytes=max_bytes, user=user)

    def stream_task_export(self, task_id: str, path: str, *, gzip: bool = False) -> Iterator[bytes]:
        """Files of a task as a tar archive, as they are read. Raises as ``export_task`` does, when it is read."""
        return self._stream("task.export", task_id=task_id, path=path, gzip=gzip)

    def shell_task(
        self,
        task_id: str,
        *,
        name: str = "main",
        command: str | Sequence[str] | None = None,
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        cols: int = 80,
        replay: bool = True,
    ) -> Shell:
        """A named terminal of a task in both directions, which other clients may attach to later; starts it unless it runs.

        Takes what ``open_shell`` takes, and raises as that does. With ``replay`` it begins with what was shown before.
        """
        info = self.open_shell(task_id, name=name, command=command, cwd=cwd, env=env, rows=rows, cols=cols)
        place = (info["task_id"], info["sequence"])
        return Shell(self, info, 0 if replay else self.output_task(*place, max_bytes=1)["stdout_bytes"])

    def watch_task(
        self,
        task_id: str,
        source_path: str | os.PathLike[str],
        *,
        dest: str | None = None,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        links: str | None = None,
        git_tracked: bool = False,
        with_git: bool = False,
        delete: bool = False,
    ) -> Iterator[WatchEvent]:
        """Pushes a directory to a task, and pushes it again whenever something in it changes: ``for event in pyro.watch_task(…)``.

        Each event is a dict: ``{"event": "pushed", "changed", "result"}`` or ``{"event": "failed", "error", "retries"}``. The watch
        ends when its reader stops. Raises when the task or the directory is gone.
        """
        patterns = [f"--exclude={each}" for each in exclude] + [f"--include={each}" for each in include]
        texts = [f"--{name}={value}" for name, value in (("dest", dest), ("links", links)) if value is not None]
        switches = {"--git-tracked": git_tracked, "--with-git": with_git, "--delete": delete}
        flags = [*texts, *patterns, *(flag for flag, is_set in switches.items() if is_set)]
        return watch(self._home, task_id, source_path, flags)

    def _stream(self, operation: str, **fields: object) -> Iterator[bytes]:
        given = {name: value for name, value in fields.items() if value is not None}

        def ask(on_event: _OnEvent) -> object:
            try:
                return self._ask(_Ask(operation, given, None, None, None), on_event)
            except Lost as lost:
                raise self._home.unreachable(lost) from lost

        return iterate(ask)

    def create_server(self: Pyro | None = None) -> Server:
        """The MCP server of this home; ``Pyro.create_server()`` is that of the default one."""
        return Server((self or Pyro())._home)

    def _call(
        self,
        operation: str,
        fields: Mapping[str, object],
        *,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> Any:
        if cancellation and cancellation.cancelled:
            raise PyroError("ABORTED", "The call was cancelled before it began.", REPEAT)
        given = prepared(operation, fields)
        if operation in LOCAL or self._home.performs(operation, given):
            return self._home.call_local(operation, given)
        if operation == "env.build":
            given |= self._build_files(given, on_progress)
        if not is_inline(given.get("content")):
            stdin = cast("Stdin", given.pop("content"))
        source: SendSource | None = None
        packed: Source | None = None
        if "source_path" in given:
            packed = _open_source(given, on_progress, as_file=operation == "env.build.source")
            given |= packed.facts()
            source = packed.send
        # An operation that takes standard input waits for its end, also when there is none. It is untouched until the command
        # runs, so that it can be offered again.
        ask = _Ask(operation, given, Keys(pieces_of(stdin)), source, cancellation)
        if operation != "task.exec":
            follower = Follower(on_stdout, on_stderr, on_progress)
            try:
                result = self._ask(ask, follower.add)
            except Lost as lost:
                raise self._home.unreachable(lost) from lost
            follower.end()
            if check:
                assert_succeeded(result)
            return _with_report(operation, result, packed) if packed else result
        for attempt in range(1, MAX_RETURNS + 1):
            follower = Follower(on_stdout, on_stderr, on_progress)
            given["request_id"] = str(uuid.uuid4())
            result = self._exec(ask, follower)
            # The daemon died between writing the command down and giving it to the guest: it has not run.
            has_run = (result["error"] or {}).get("code") != "DAEMON_UNREACHABLE"
            if has_run or (cancellation and cancellation.cancelled) or attempt == MAX_RETURNS:
                follower.end()
                if check:
                    assert_succeeded(result)
                return result
        raise AssertionError("the loop returns")

    def _build_files(self, given: Mapping[str, Any], on_progress: OnProgress | None) -> dict[str, object]:
        """The fields of a build that name files of this machine, as the daemon takes them."""
        files: dict[str, object] = {}
        parts = [parse_copy(text) for text in given.get("copy") or ()]
        if given.get("script") is not None:
            files["script_content"] = read_script(given["script"])
        if parts:
            files["copies"] = [
                {"source": self._call("env.build.source", {"source_path": path}, on_progress=on_progress)["source"], "to": to}
                for path, to in parts
            ]
        return files

    def _exec(self, ask: _Ask, follower: Follower) -> Any:
        """Runs a command of a task. If the daemon dies, the command is found again by its number or by the request id."""
        patience = self._home.patience()
        while True:
            try:
                if follower.sequence is None:
                    return self._ask(ask, follower.add, patience.reached)
                # A terminal has no end of input: typing continues with the new connection.
                keys = ask.stdin if ask.fields.get("tty") and ask.stdin and not ask.stdin.is_over else None
                place = {**followed(ask.fields, is_typed=keys is not None), "sequence": follower.sequence}
                following = _Ask("task.follow", {**place, **follower.offsets()}, keys, None, ask.cancellation)
                return self._ask(following, follower.add, patience.reached)
            except Lost as lost:
                pause = patience.pause(lost, follower.count)
                if pause is None:
                    raise self._home.unreachable(lost) from lost
            except PyroError as error:
                pause = patience.pause(error, follower.count) if error.code == "DAEMON_UNREACHABLE" else None
                if pause is None:
                    raise
            time.sleep(pause)

    def _ask(self, ask: _Ask, on_event: _OnEvent, on_open: Callable[[], None] = lambda: None) -> Any:
        """Sends a request to the daemon, and starts the daemon if none runs."""
        result = self._reach(
            lambda socket: exchange(
                socket,
                route_of(ask.operation),
                VERSION,
                self._home.with_env(ask.operation, ask.fields),
                stdin=ask.stdin,
                source=ask.source,
                cancellation=ask.cancellation,
                on_event=on_event,
                on_open=on_open,
            )
        )
        return self._home.show(ask.operation, ask.fields, result)

    def _connect(self, operation: str) -> Stream:
        """A stream without a request yet. Starts the daemon if none runs."""
        return self._reach(lambda socket: Stream(socket, route_of(operation), VERSION))

    def _reach(self, ask: Callable[[str], _Answer]) -> _Answer:
        """Asks the daemon behind a socket, and starts the daemon if none runs."""
        for starts in range(MAX_STARTS + 1):
            try:
                socket = self._home.socket()
                if socket is None:
                    raise NotListening
                return ask(socket)
            except (NotListening, Unanswered) as absent:
                # A connection that ssh accepted and then closed also means that no daemon runs.
                if isinstance(absent, Unanswered) and not self._home.far_socket():
                    raise
                if starts == MAX_STARTS:
                    raise self._home.unreachable(Lost("no daemon listens")) from None
            except PyroError as error:
                if error.details.get("restarting") is not True or starts == MAX_STARTS:
                    raise
            self._home.start_daemon()
        raise AssertionError("the loop returns or raises")


def prepared(operation: str, fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields that are sent: those that were given, and settings of this process."""
    given = {name: value for name, value in fields.items() if value is not None and not isinstance(value, Default)}
    given |= timeout_env(operation)
    environment = given.get("environment")
    if isinstance(environment, str):
        given["environment"] = absolute(environment)
    if isinstance(given.get("from"), str):
        given["from"] = absolute(given["from"])
    if operation in _FILES and given.get(_FILES[operation]):
        given[_FILES[operation]] = os.path.abspath(given[_FILES[operation]])
    if operation == "task.create" and given.get("setup_key"):
        given["setup_digest"] = setup_digest(given)
    return given


def followed(fields: Mapping[str, object], *, is_typed: bool) -> dict[str, object]:
    """The fields of a command that ``task.follow`` takes too, with the keyboard of its terminal if this client types."""
    names = ("task_id", "interleaved", "rows", "cols") if is_typed else ("task_id", "interleaved")
    return {**{name: fields[name] for name in names if name in fields}, **({"keyboard": True} if is_typed else {})}


def route_of(operation: str) -> str:
    return "/v1/" + operation.replace(".", "/")


def is_inline(content: object) -> bool:
    """False for a file's content that follows the input."""
    return content is None or (isinstance(content, str) and len(content) <= _MAX_INLINE_LENGTH)


@dataclass(frozen=True)
class _Ask:
    """A call of an operation. Its request is sent again when the daemon dies."""

    operation: str
    fields: Mapping[str, object]
    stdin: Keys | None
    source: SendSource | None
    cancellation: Cancellation | None


def _open_source(given: Mapping[str, object], on_progress: OnProgress | None, as_file: bool = False) -> Source:
    path, exclude, include = (given.get(name) or () for name in ("source_path", "exclude", "include"))
    shown = time.monotonic()

    def on_scan(count: int) -> None:
        nonlocal shown
        # Reading the clock at each entry would cost too much.
        if on_progress and count % 64 == 0 and time.monotonic() - shown >= _SCAN_EVENT_SECONDS:
            shown = time.monotonic()
            on_progress({"phase": "scan", "message": f"{count} entries found"})

    return open_source(
        os.fspath(cast(str, path)),
        cast(Sequence[str], exclude),
        cast(Sequence[str], include),
        cast("str | None", given.get("links")),
        on_scan,
        given.get("git_tracked") is True,
        given.get("with_git") is True,
        as_file,
    )


def _with_report(operation: str, result: dict[str, Any], packed: Source) -> dict[str, Any]:
    """A result with the counts and warnings of the source's packer."""
    report = packed.report()
    warnings = [*result.get("warnings", ()), *cast("list[str]", report["warnings"])]
    if operation == "task.sync.push":
        return {**result, **report, "warnings": warnings}
    if operation == "env.build.source":
        return result
    return {**result, "warnings": warnings} if warnings else result

"""The client."""

from __future__ import annotations

import codecs
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ._bytes import iterate
from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, pieces_of
from ._daemon import Home
from ._errors import REPEAT, PyroError, assert_succeeded
from ._exchange import Event, SendSource, exchange
from ._operations import LOCAL, NETWORK_VARIABLES, TRUST_VARIABLES, VERSION, Operations
from ._pack import Source, open_source
from ._server import Server
from ._stream import Lost, NotListening
from ._task import Task

_MAX_STARTS = 5
"""How often a call starts the daemon, or waits for one that makes way, before it gives up."""
_MAX_RETURNS = 20
"""How often a broken connection is retried before the caller gets the error."""
_RETURN_DELAY_SECONDS = 0.1
_SCAN_EVENT_SECONDS = 0.2

_MAX_INLINE_LENGTH = 131072
"""A file's content that the line of the input has room for, however it is escaped."""

_TIMEOUT_VARIABLE = "PYRO_TIMEOUT_SECONDS"
_MAX_TIMEOUT_SECONDS = 86400
_TIMED = {"vm.run", "vm.exec", "task.exec"}
"""The operations that run a command."""

_OnEvent = Callable[[Event], None]


class Pyro(Operations):
    """All operations of pyro. The first call starts the daemon if none runs.

    Args:
        home: The home whose daemon is asked; by default ``PYRO_HOME``, or ``~/.pyro``. A relative path is one of the working directory.
        executable: The ``pyro`` executable; by default ``PYRO_EXECUTABLE``, or the one in ``PATH``.
    """

    def __init__(
        self, *, home: str | os.PathLike[str] | None = None, executable: str | os.PathLike[str] | None = None
    ) -> None:
        self._home = Home(home, executable)

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

    def _stream(self, operation: str, **fields: object) -> Iterator[bytes]:
        given = {name: value for name, value in fields.items() if value is not None}

        def ask(on_event: _OnEvent) -> object:
            try:
                return self._ask(_Ask(operation, given, None, None, None), on_event)
            except Lost as lost:
                raise self._unreachable(lost) from lost

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
        given = {name: value for name, value in fields.items() if value is not None and not isinstance(value, Default)}
        given |= _timeout_env(operation)
        if isinstance(given.get("environment"), str):
            given["environment"] = _absolute(given["environment"])
        if operation in LOCAL:
            return self._home.call_local(operation, given)
        content = given.get("content")
        if content is not None and not (isinstance(content, str) and len(content) <= _MAX_INLINE_LENGTH):
            stdin = cast("Stdin", given.pop("content"))
        source: SendSource | None = None
        packed: Source | None = None
        if "source_path" in given:
            packed = _open_source(given, on_progress)
            given |= packed.facts()
            source = packed.send
        # An operation that takes standard input waits for its end, also when there is none. It is untouched until the command
        # runs, so that it can be offered again.
        ask = _Ask(operation, given, pieces_of(stdin), source, cancellation)
        if operation != "task.exec":
            follower = _Follower(on_stdout, on_stderr, on_progress)
            try:
                result = self._ask(ask, follower.add)
            except Lost as lost:
                raise self._unreachable(lost) from lost
            follower.end()
            if check:
                assert_succeeded(result)
            return _with_report(operation, result, packed) if packed else result
        for attempt in range(1, _MAX_RETURNS + 1):
            follower = _Follower(on_stdout, on_stderr, on_progress)
            given["request_id"] = str(uuid.uuid4())
            result = self._exec(ask, follower)
            # The daemon died between writing the command down and giving it to the guest: it has not run.
            has_run = (result["error"] or {}).get("code") != "DAEMON_UNREACHABLE"
            if has_run or (cancellation and cancellation.cancelled) or attempt == _MAX_RETURNS:
                follower.end()
                if check:
                    assert_succeeded(result)
                return result
        raise AssertionError("the loop returns")

    def _exec(self, ask: _Ask, follower: _Follower) -> Any:
        """Runs a command of a task. If the daemon dies, the command is found again by its number or by the request id."""
        for returns in range(_MAX_RETURNS + 1):
            try:
                if follower.sequence is None:
                    return self._ask(ask, follower.add)
                kept = {name: ask.fields[name] for name in ("task_id", "interleaved") if name in ask.fields}
                place = {**kept, "sequence": follower.sequence, **follower.offsets()}
                return self._ask(_Ask("task.follow", place, None, None, ask.cancellation), follower.add)
            except Lost as lost:
                if returns == _MAX_RETURNS:
                    raise self._unreachable(lost) from lost
            except PyroError as error:
                if error.code != "DAEMON_UNREACHABLE" or returns == _MAX_RETURNS:
                    raise
            time.sleep(_RETURN_DELAY_SECONDS)
        raise AssertionError("the loop returns or raises")

    def _ask(self, ask: _Ask, on_event: _OnEvent) -> Any:
        """Sends a request to the daemon, and starts the daemon if none runs."""
        route = "/v1/" + ask.operation.replace(".", "/")
        for starts in range(_MAX_STARTS + 1):
            try:
                socket = self._home.socket()
                if socket is None:
                    raise NotListening
                return exchange(
                    socket,
                    route,
                    VERSION,
                    _with_host_env(ask.operation, ask.fields),
                    stdin=ask.stdin,
                    source=ask.source,
                    cancellation=ask.cancellation,
                    on_event=on_event,
                )
            except NotListening:
                if starts == _MAX_STARTS:
                    raise self._unreachable(Lost("nobody listens")) from None
            except PyroError as error:
                if error.details.get("restarting") is not True or starts == _MAX_STARTS:
                    raise
            self._home.start_daemon()
        raise AssertionError("the loop returns or raises")

    def _unreachable(self, lost: Lost) -> PyroError:
        log = os.path.join(self._home.path, "daemon.log")
        hint = f"Look at the end of {log}, and try again."
        return PyroError("DAEMON_UNREACHABLE", f"The daemon did not answer: {lost}.", hint, {"log": log})


@dataclass(frozen=True)
class _Ask:
    """One request of an operation, which may be repeated."""

    operation: str
    fields: Mapping[str, object]
    stdin: Iterator[bytes] | None
    source: SendSource | None
    cancellation: Cancellation | None


def _open_source(given: Mapping[str, object], on_progress: OnProgress | None) -> Source:
    path, exclude, include = (given.get(name) or () for name in ("source_path", "exclude", "include"))
    shown = time.monotonic()

    def on_scan(count: int) -> None:
        nonlocal shown
        # The clock is read only now and then.
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
    )


def _with_report(operation: str, result: dict[str, Any], packed: Source) -> dict[str, Any]:
    """A result with the counts and warnings of the source's packer."""
    report = packed.report()
    warnings = [*result.get("warnings", ()), *cast("list[str]", report["warnings"])]
    if operation == "task.sync.push":
        return {**result, **report, "warnings": warnings}
    return {**result, "warnings": warnings} if warnings else result


class _Follower:
    """Hands output on as text, and knows how much of it there was."""

    def __init__(self, on_stdout: OnOutput | None, on_stderr: OnOutput | None, on_progress: OnProgress | None) -> None:
        self.sequence: int | None = None
        self._seen = {"stdout": 0, "stderr": 0}
        self._sinks = {"stdout": on_stdout, "stderr": on_stderr}
        self._on_progress = on_progress
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {"stdout": decoder("replace"), "stderr": decoder("replace")}

    def add(self, event: Event) -> None:
        match event["event"]:
            case "started":
                self.sequence = event["sequence"]
            case "gap":
                self._seen[event["stream"]] += event["bytes"]
            case "progress" if self._on_progress:
                self._on_progress({name: value for name, value in event.items() if name != "event"})
            case "stdout" | "stderr" as stream:
                data = event["data"]
                self._seen[stream] += len(data)
                self._say(stream, self._decoders[stream].decode(data))

    def end(self) -> None:
        """Half a character at the end is shown as one that is damaged."""
        for stream, decoder in self._decoders.items():
            self._say(stream, decoder.decode(b"", True))

    def offsets(self) -> dict[str, int]:
        return {f"{stream}_offset": count for stream, count in self._seen.items()}

    def _say(self, stream: str, text: str) -> None:
        sink = self._sinks[stream]
        if sink and text:
            sink(text)


def _absolute(environment: str) -> str:
    """The same reference to an image, with an absolute path: the daemon has a working directory of its own."""
    kind, colon, path = environment.partition(":")
    is_path = kind in ("rootfs", "oci", "docker-archive") and path
    return f"{kind}{colon}{os.path.abspath(path)}" if is_path else environment


def _timeout_env(operation: str) -> Mapping[str, int]:
    """The default time-out of this process, for operations that run a command."""
    text = os.environ.get(_TIMEOUT_VARIABLE, "")
    if not text or operation not in _TIMED:
        return {}
    digits = text.lstrip("0")
    # Python refuses to convert thousands of digits.
    if text.isascii() and text.isdecimal() and 1 <= len(digits) <= 5 and int(digits) <= _MAX_TIMEOUT_SECONDS:
        return {"default_timeout_seconds": int(digits)}
    shown = text[:100]
    message = f"{_TIMEOUT_VARIABLE} must be a whole number from 1 to {_MAX_TIMEOUT_SECONDS}, not {shown}."
    hint = f"Set {_TIMEOUT_VARIABLE} to seconds, or unset it."
    limits = {"minimum": 1, "maximum": _MAX_TIMEOUT_SECONDS}
    raise PyroError("INVALID_ARGUMENT", message, hint, {"variable": _TIMEOUT_VARIABLE, "value": shown, **limits})


def _with_host_env(operation: str, fields: Mapping[str, object]) -> Mapping[str, object]:
    """This process's own settings, where the daemon needs them, since it may live in another shell's."""
    proxies = fields.get("network_host_proxy") is True
    trust = proxies or fields.get("network_host_ca") is True or operation == "doctor"
    if not trust or "network_host_env" in fields:
        return fields
    picked = {}
    for name, value in os.environ.items():
        if value and proxies and name.lower() in NETWORK_VARIABLES:
            picked[name] = value
        elif value and name.lower() in TRUST_VARIABLES:
            # The daemon has another working directory.
            picked[name] = os.path.abspath(value)
    return {**fields, "network_host_env": picked}

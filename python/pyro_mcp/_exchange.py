"""One request to the daemon and its answer: HTTP over a unix socket, JSON in, JSON or lines of JSON out."""

from __future__ import annotations

import base64
import contextlib
import errno
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ._calls import Cancellation
from ._errors import REPEAT, PyroError

_PIECE_BYTES = 65_536
_DRAIN_SECONDS = 10

Event = Mapping[str, Any]
SendSource = Callable[[Callable[[bytes], object]], None]


class NotListening(Exception):
    """Nobody listens on the socket."""


class Lost(Exception):
    """The connection broke before the answer was whole."""


class _CallerFailed(Exception):
    """Something that the caller gave has raised: a callback, or standard input."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def exchange(
    path: str,
    route: str,
    version: str,
    fields: Mapping[str, object],
    *,
    stdin: Iterator[bytes] | None,
    source: SendSource | None,
    cancellation: Cancellation | None,
    on_event: Callable[[Event], None],
) -> Any:
    """Asks, hands events on, and returns the result. Raises the daemon's error, NotListening or Lost.

    What a callback raises, Ctrl-C included, ends the command first and is raised then. `source` writes the archive that
    follows the input; its failure leaves the body without an end, so that nothing is kept.
    """
    connection = _Connection(path)
    upload = _Upload(connection.open_post(route, version))

    def cancel() -> None:
        # Behind a source that is under way a wish to cancel would wait for the guest: the connection ends instead.
        if upload.sending_source:
            upload.abort()
        else:
            upload.cancel()

    try:
        upload.sending_source = source is not None
        upload.send(fields if source is None else {**fields, "source_framed": True})
        if cancellation:
            cancellation._listen(cancel)
        threading.Thread(target=upload.send_body, args=(source, stdin), daemon=True).start()
        return _read_answer(connection, upload, on_event)
    except _CallerFailed as failed:
        raise failed.error from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if upload.failure:
            raise upload.failure from None
        raise Lost(str(error) or type(error).__name__) from error
    finally:
        if cancellation:
            cancellation._forget(cancel)
        upload.close()
        connection.close()


def _read_answer(connection: _Connection, upload: _Upload, on_event: Callable[[Event], None]) -> Any:
    response = None
    try:
        response = connection.getresponse()
        if response.getheader("content-type") == "application/json":
            body = json.loads(response.read())
            if response.status != 200:
                raise PyroError.from_body(body["error"])
            return body
        return _read_lines(response, upload, on_event)
    except (_CallerFailed, KeyboardInterrupt):
        upload.cancel()
        try:
            _drain(connection, response)
        except KeyboardInterrupt:
            upload.cancel()
            _drain(connection, response)
        raise


def _read_lines(response: http.client.HTTPResponse, upload: _Upload, on_event: Callable[[Event], None]) -> Any:
    for line in iter(response.readline, b""):
        event = json.loads(line)
        match event["event"]:
            case "result" | "error" if upload.failure:
                raise _CallerFailed(upload.failure)
            case "result":
                return event["result"]
            case "error":
                raise PyroError.from_body(event["error"])
            case "stdin_credit":
                upload.grant(event["bytes"])
            case _:
                try:
                    on_event(event)
                except BaseException as error:
                    raise _CallerFailed(error) from error
    raise http.client.IncompleteRead(b"")


def _drain(connection: _Connection, response: http.client.HTTPResponse | None) -> None:
    """Waits until the daemon has ended what was cancelled, longer than the grace that a command gets."""
    try:
        connection.wire.settimeout(_DRAIN_SECONDS)
        while response and response.readline():
            pass
    except (OSError, http.client.HTTPException, ValueError):
        pass


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket, on a connection of its own for each request."""

    def __init__(self, path: str) -> None:
        super().__init__("pyro")
        self._path = path
        self.wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.wire.connect(path)
        except OSError as error:
            self.wire.close()
            if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN):
                raise NotListening from None
            raise Lost(str(error)) from error
        self.sock = self.wire

    def open_post(self, route: str, version: str) -> socket.socket:
        """Sends the head of a request; its body is the caller's to write, in chunks."""
        try:
            self.putrequest("POST", route, skip_accept_encoding=True)
            self.putheader("pyro-version", version)
            self.putheader("content-type", "application/x-ndjson")
            self.putheader("transfer-encoding", "chunked")
            self.endheaders()
        except OSError as error:
            raise Lost(str(error)) from error
        return self.wire

    def close(self) -> None:
        # A thread that still sends is woken by the shutdown only.
        with contextlib.suppress(OSError):
            self.wire.shutdown(socket.SHUT_RDWR)
        super().close()
        self.wire.close()


class _WireGone(Exception):
    """The connection, unlike what failed at the source."""


class _Upload:
    """Sends lines of a request; standard input only as the daemon grants credit for it, so that a cancel never waits behind it."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._credit_bytes = 0
        self._closed = False
        self.sending_source = False
        self.failure: BaseException | None = None

    def send(self, line: Mapping[str, object]) -> None:
        self._write(json.dumps(line).encode() + b"\n")

    def cancel(self) -> None:
        # When this fails, whoever reads the answer is told.
        with contextlib.suppress(OSError):
            self.send({"cancel": True})

    def abort(self, failure: BaseException | None = None) -> None:
        """Ends the connection."""
        self.failure = self.failure or failure or PyroError("ABORTED", "The call was cancelled.", REPEAT)
        with contextlib.suppress(OSError):
            self._wire.shutdown(socket.SHUT_RDWR)

    def grant(self, count: int) -> None:
        with self._changed:
            self._credit_bytes += count
            self._changed.notify_all()

    def send_stdin(self, pieces: Iterator[bytes]) -> None:
        """Sends all of it, then its end. Reads nothing before the daemon asks."""
        try:
            if self._has_credit():
                for data in pieces:
                    for start in range(0, len(data), _PIECE_BYTES):
                        piece = data[start : start + _PIECE_BYTES]
                        if not self._has_credit():
                            return
                        self._credit_bytes -= len(piece)
                        self.send({"stdin": base64.b64encode(piece).decode()})
                self.send({"stdin_end": True})
        except OSError:
            if not self._closed:
                self.cancel()
        except BaseException as error:  # What the caller's iterable raised is the caller's to see.
            self.failure = error
            self.cancel()

    def send_body(self, source: SendSource | None, stdin: Iterator[bytes] | None) -> None:
        """Sends what follows the input: an archive, then standard input."""
        if source is not None and not self._send_source(source):
            return
        if stdin is not None:
            self.send_stdin(stdin)

    def _send_source(self, source: SendSource) -> bool:
        try:
            source(self._write_source)
            self.send({"source_end": True})
            self.sending_source = False
            return True
        except (OSError, _WireGone):
            pass  # The daemon has answered already, or is gone: whoever reads the answer is told.
        except BaseException as error:
            if not self._closed:
                self.abort(error)
        return False

    def close(self) -> None:
        """The answer is there: nothing more is sent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _write(self, data: bytes) -> None:
        with self._sending:
            if not self._closed and data:
                self._wire.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def _write_source(self, data: bytes) -> None:
        if not data:
            return
        try:
            self._write(b'{"source":%d}\n%b' % (len(data), data))
        except OSError as error:
            raise _WireGone from error

    def _has_credit(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._credit_bytes > 0 or self._closed)
            return not self._closed

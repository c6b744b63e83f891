"""One request to the daemon and its answer, over its own stream."""

from __future__ import annotations

import contextlib
import json
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ._calls import Cancellation, Keys
from ._errors import PyroError
from ._stream import CANCEL, DATA, ERROR, INPUT, RESULT, SOURCE, STDERR, STDIN, STDOUT, Lost, Stream

OUTPUT_WINDOW_BYTES = 1_048_576
DRAIN_SECONDS = 10
OUTPUTS = {STDOUT: "stdout", STDERR: "stderr"}

Event = Mapping[str, Any]
SendSource = Callable[[Callable[[bytes], object]], None]


class _CallerFailed(Exception):
    """A callback or the standard input of the caller has raised."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


def exchange(
    path: str,
    route: str,
    version: str,
    fields: Mapping[str, object],
    *,
    stdin: Keys | None,
    source: SendSource | None,
    cancellation: Cancellation | None,
    on_event: Callable[[Event], None],
    on_open: Callable[[], None],
) -> Any:
    """Sends the request, passes events on, and returns the result. Raises the daemon's error, NotListening or Lost.

    What a callback raises, Ctrl-C included, ends the command first and is raised then. `source` writes the archive that
    follows the input; its failure leaves the archive without an end, so that nothing is kept.
    """
    stream = Stream(path, route, version)
    on_open()
    upload = _Upload(stream)
    try:
        stream.send_message(INPUT, fields)
        if cancellation:
            cancellation._listen(upload.cancel)
        threading.Thread(target=upload.send, args=(source, stdin), daemon=True).start()
        return _read_answer(stream, upload, on_event)
    except _CallerFailed as failed:
        raise failed.error from None
    except (OSError, EOFError, ValueError, struct.error) as error:
        if upload.failure:
            raise upload.failure from None
        raise Lost(str(error) or type(error).__name__) from error
    finally:
        if cancellation:
            cancellation._forget(upload.cancel)
        stream.close()


def _read_answer(stream: Stream, upload: _Upload, on_event: Callable[[Event], None]) -> Any:
    try:
        return _read_frames(stream, upload, on_event)
    except (_CallerFailed, KeyboardInterrupt):
        upload.cancel()
        try:
            _drain(stream)
        except KeyboardInterrupt:
            upload.cancel()
            _drain(stream)
        raise


def _read_frames(stream: Stream, upload: _Upload, on_event: Callable[[Event], None]) -> Any:
    for channel in OUTPUTS:
        stream.grant(channel, OUTPUT_WINDOW_BYTES)
    for kind, channel, payload in stream.frames():
        if kind in (RESULT, ERROR):
            if upload.failure:
                raise _CallerFailed(upload.failure)
            if kind == RESULT:
                return json.loads(payload)
            raise PyroError.from_body(json.loads(payload))
        event: Event = {"event": OUTPUTS[channel], "data": payload} if kind == DATA else json.loads(payload)
        try:
            on_event(event)
        except BaseException as error:
            raise _CallerFailed(error) from error
        if kind == DATA:
            stream.grant(channel, len(payload))
    raise EOFError("the answer ended without a result")


def _drain(stream: Stream) -> None:
    """Waits until the daemon has ended the cancelled command, longer than the command's grace."""
    with contextlib.suppress(OSError, ValueError, struct.error):
        stream.set_timeout(DRAIN_SECONDS)
        for kind, channel, payload in stream.frames():
            if kind == DATA:
                stream.grant(channel, len(payload))


class _WireGone(Exception):
    """The connection failed, not the source."""


class _Upload:
    """Sends what follows the input of a call: an archive, standard input, or the request to cancel."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.failure: BaseException | None = None

    def cancel(self) -> None:
        # When this fails, the thread that reads the answer raises it.
        with contextlib.suppress(OSError):
            self._stream.send_message(CANCEL, {})

    def send(self, source: SendSource | None, stdin: Keys | None) -> None:
        if (source is None or self._send_source(source)) and stdin is not None:
            self._send_stdin(stdin)

    def _send_stdin(self, keys: Keys) -> None:
        """Sends all of it, then its end. Reads nothing before the daemon has room."""
        try:
            if not self._stream.has_room(STDIN):
                return
            while keys.send(lambda view: self._stream.send_some(STDIN, view)):
                pass
            if keys.is_over:
                self._stream.send_end(STDIN)
        except OSError:
            if not self._stream.closed:
                self.cancel()
        except BaseException as error:  # The caller gets the exception of its own iterable.
            self.failure = error
            self.cancel()

    def _send_source(self, source: SendSource) -> bool:
        try:
            source(self._write_source)
            self._stream.send_end(SOURCE)
            return True
        except (OSError, _WireGone):
            pass  # The daemon has answered already, or is gone: the thread that reads the answer raises it.
        except BaseException as error:
            if not self._stream.closed:
                self.failure = error
                self._stream.close()
        return False

    def _write_source(self, data: bytes) -> None:
        try:
            if self._stream.send_data(SOURCE, data):
                return
        except OSError as error:
            raise _WireGone from error
        raise _WireGone

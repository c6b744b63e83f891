"""The events of a call as text and progress for the caller."""

from __future__ import annotations

import codecs

from ._calls import OnOutput, OnProgress
from ._exchange import Event


class Follower:
    """Passes output on as text, and counts the bytes of each stream."""

    def __init__(self, on_stdout: OnOutput | None, on_stderr: OnOutput | None, on_progress: OnProgress | None) -> None:
        self.sequence: int | None = None
        self.count = 0
        self._seen = {"stdout": 0, "stderr": 0}
        self._sinks = {"stdout": on_stdout, "stderr": on_stderr}
        self._on_progress = on_progress
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {"stdout": decoder("replace"), "stderr": decoder("replace")}

    def add(self, event: Event) -> None:
        self.count += 1
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
                self._emit(stream, self._decoders[stream].decode(data))

    def end(self) -> None:
        """Emits an incomplete character at the end as U+FFFD."""
        for stream, decoder in self._decoders.items():
            self._emit(stream, decoder.decode(b"", True))

    def offsets(self) -> dict[str, int]:
        return {f"{stream}_offset": count for stream, count in self._seen.items()}

    def _emit(self, stream: str, text: str) -> None:
        sink = self._sinks[stream]
        if sink and text:
            sink(text)

"""Runs code for the gateway of E2B, in contexts that keep their state.

The gateway writes one JSON object a line to standard input and reads one a line from standard output, as with pyro-e2b-guest. Each
context is a process of its own, so that it can be interrupted, restarted, and die alone.
"""

import array
import codecs
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import termios
import time

PIECE_BYTES = 32768
LINE_BYTES = 8 * 1024 * 1024
MAX_CONTEXTS = 32
LANGUAGES = {"python": "python", "python3": "python", "bash": "bash", "javascript": "javascript", "js": "javascript"}
HERE = os.path.dirname(os.path.abspath(__file__))


class Refused(Exception):
    """A request that is answered with the name of its failure."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


def without_quotes(text):
    """The text of a result, as E2B returns it: a string has no quotes."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


class Context:
    """A process that runs one piece of code after the other."""

    def __init__(self, manager, language, cwd):
        self.manager = manager
        self.id = os.urandom(16).hex()
        self.language = language
        self.cwd = cwd
        self.count = 0
        self.running = None
        self.waiting = []
        self.process = None
        self.fds = {}

    def show(self):
        return {"id": self.id, "language": self.language, "cwd": self.cwd}

    def start(self):
        ours, theirs = os.pipe()
        requests, writing = os.pipe()
        environment = dict(os.environ, PYRO_REPLY=str(theirs), PYRO_REQUESTS=str(requests), MPLBACKEND="Agg")
        try:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(theirs, requests),
                start_new_session=True,
            )
        except OSError as error:
            for each in (ours, writing):
                os.close(each)
            raise Refused("EINVAL", f"{self.language} cannot be started: {error.strerror}") from None
        finally:
            os.close(theirs)
            os.close(requests)
        self.writing = writing
        self.rest = bytearray()
        self.skipping = False
        self.decoders = {kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in ("stdout", "stderr")}
        self.fds = {ours: "reply", self.process.stdout.fileno(): "stdout", self.process.stderr.fileno(): "stderr"}
        for fd, kind in self.fds.items():
            os.set_blocking(fd, False)
            self.manager.selector.register(fd, selectors.EVENT_READ, (self, kind))
        self.reply = ours

    def command(self):
        if self.language == "javascript":
            return ["node", os.path.join(HERE, "worker.mjs")]
        return [sys.executable, os.path.join(HERE, "worker.py"), self.language]

    def execute(self, request):
        self.waiting.append(request)
        self.next()

    def next(self):
        if self.running is not None or not self.waiting:
            return
        request = self.waiting.pop(0)
        try:
            if self.process is None:
                self.start()
        except Refused as refused:
            self.manager.refuse(request["id"], refused)
            return self.next()
        self.running = request["id"]
        self.count += 1
        self.emit({"type": "number_of_executions", "execution_count": self.count})
        line = json.dumps({"code": request["code"], "env": request.get("env") or {}, "count": self.count}).encode()
        try:
            os.write(self.writing, len(line).to_bytes(4, "big"))
            while line:
                line = line[os.write(self.writing, line) :]
        except OSError:
            self.died()

    def interrupt(self, number):
        self.waiting = [each for each in self.waiting if each["id"] != number]
        if self.running == number and self.process:
            # As at a terminal, the programs that it has started are interrupted too.
            os.killpg(self.process.pid, signal.SIGINT)

    def emit(self, event):
        if self.running is not None:
            self.manager.send({"id": self.running, "event": event})

    def read(self, fd, kind, size=PIECE_BYTES):
        """Reads one piece from a pipe; false at its end."""
        try:
            data = os.read(fd, size)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if kind == "reply":
            self.take(data)
        else:
            self.print(kind, data)
        return len(data) > 0

    def print(self, kind, data, final=False):
        text = self.decoders[kind].decode(data, final)
        if text:
            self.emit({"type": kind, "text": text, "timestamp": str(time.time_ns())})

    def take(self, data):
        *ends, rest = data.split(b"\n")
        for end in ends:
            line, self.rest = self.rest + end, bytearray()
            skipped, self.skipping = self.skipping, False
            if not skipped:
                self.take_line(line)
        if self.skipping:
            return
        self.rest += rest
        if len(self.rest) > LINE_BYTES:
            self.rest = bytearray()
            self.skipping = True
            value = f"A result is larger than {LINE_BYTES // 1024 // 1024} MiB. Write it to a file."
            self.emit({"type": "error", "name": "ResultTooLarge", "value": value, "traceback": value})

    def take_line(self, line):
        try:
            event = json.loads(line)
            kind = event["type"]
            if kind == "result":
                event["text"] = without_quotes(event["text"])
        except (ValueError, TypeError, LookupError, RecursionError):
            return
        if kind == "end":
            self.finish()
        else:
            self.emit(event)

    def drain(self):
        """Takes what lies in the pipes now, and no more: other processes may write without an end."""
        for fd, kind in list(self.fds.items()):
            if kind == "reply":
                continue
            held = array.array("i", [0])
            fcntl.ioctl(fd, termios.FIONREAD, held)
            while held[0] > 0:
                size = min(held[0], PIECE_BYTES)
                held[0] -= size
                self.read(fd, kind, size)
        for kind in self.decoders:
            self.print(kind, b"", True)

    def finish(self):
        # Output that the code wrote before its end may still be in the pipes.
        self.drain()
        self.end()

    def end(self):
        if self.running is None:
            return
        self.emit({"type": "end_of_execution"})
        self.manager.send({"id": self.running, "done": True})
        self.running = None
        self.next()

    def died(self):
        if self.process is None:
            return
        self.drain()
        self.stop()
        if self.running is not None:
            value = "The process of this context has ended; its variables are lost."
            self.emit({"type": "error", "name": "ContextEnded", "value": value, "traceback": value})
        self.end()

    def stop(self):
        process, self.process = self.process, None
        for fd in self.fds:
            self.manager.selector.unregister(fd)
        os.close(self.reply)
        os.close(self.writing)
        self.fds = {}
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.stdout.close()
        process.stderr.close()
        process.wait()


class Manager:
    """All contexts, and the line to the gateway."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.contexts = {}
        self.defaults = {}
        for language in ("python", "javascript"):
            context = Context(self, language, os.path.expanduser("~"))
            self.contexts[context.id] = context
            self.defaults[language] = context.id
        self.rest = b""
        self.output = os.dup(1)
        os.dup2(2, 1)

    def send(self, line):
        # Not escaped to ASCII, which would make a line up to three times as long as the one that the context sent.
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        while data:
            data = data[os.write(self.output, data) :]

    def refuse(self, number, refused):
        self.send({"id": number, "error": refused.name, "message": str(refused)})

    def create(self, language, cwd):
        known = LANGUAGES.get(language or "python")
        if known is None:
            raise Refused("EINVAL", f"The language {language} is not supported.")
        if len(self.contexts) >= MAX_CONTEXTS:
            raise Refused("EBUSY", f"There are {MAX_CONTEXTS} contexts already.")
        place = os.path.join(os.path.expanduser("~"), cwd or "")
        if not os.path.isdir(place):
            raise Refused("ENOENT", f"The directory {place} does not exist.")
        context = Context(self, known, os.path.normpath(place))
        self.contexts[context.id] = context
        return context

    def find(self, number):
        context = self.contexts.get(number)
        if context is None:
            raise Refused("ENOENT", f"Context {number} not found")
        return context

    def default(self, language):
        known = LANGUAGES.get(language or "python")
        context = self.contexts.get(self.defaults.get(known))
        if context is None:
            context = self.create(language, None)
            self.defaults[known] = context.id
        return context

    def perform(self, request):
        number, op = request["id"], request["op"]
        if op == "execute":
            named = request.get("context")
            context = self.find(named) if named else self.default(request.get("language"))
            return context.execute(request)
        if op == "interrupt":
            for context in list(self.contexts.values()):
                context.interrupt(request["target"])
        elif op == "create":
            context = self.create(request.get("language"), request.get("cwd"))
            self.send({"id": number, "context": context.show()})
        elif op == "list":
            for context in self.contexts.values():
                self.send({"id": number, "context": context.show()})
        elif op in ("remove", "restart"):
            context = self.find(request["context"])
            if op == "remove":
                del self.contexts[context.id]
            context.died()
            context.count = 0
        else:
            raise Refused("EINVAL", "unknown operation")
        self.send({"id": number, "done": True})

    def take(self, data):
        self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            request = json.loads(line)
            try:
                self.perform(request)
            except Refused as refused:
                self.refuse(request["id"], refused)

    def serve(self):
        self.selector.register(0, selectors.EVENT_READ, None)
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    data = os.read(0, PIECE_BYTES)
                    if not data:
                        return
                    self.take(data)
                else:
                    context, kind = key.data
                    if key.fd in context.fds and not context.read(key.fd, kind):
                        if kind == "reply":
                            context.died()
                        else:
                            context.fds.pop(key.fd)
                            self.selector.unregister(key.fd)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    manager = Manager()
    try:
        manager.serve()
    finally:
        for context in manager.contexts.values():
            context.died()


main()

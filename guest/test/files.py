"""Records of files, and a session that stages, commits and gets them."""

import base64
import json
import os
import struct

import agent
from agent import AgentTest, wait_until
from wire import ALL, CONTENT, DATA, RESPONSE, WINDOW

GRANTED = 4194304


def record(path, kind="file", content=b"", **fields):
    name = {"path_base64": base64.b64encode(path).decode()} if isinstance(path, bytes) else {"path": path}
    header = {**name, "type": kind, "mode": 0o644, "mtime_s": 1_600_000_000, "mtime_ns": 5, "size": len(content), **fields}
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + content


def absent(path, kind="absent", since=(4_000_000_000, 0)):
    """Paths that the source no longer has."""
    return record(path, kind, mtime_s=since[0], mtime_ns=since[1])


def raw(**header):
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text


def parse_records(data):
    """{path as bytes: (header, content)} in the order sent."""
    found, at = {}, 0
    while at < len(data):
        length = struct.unpack_from("<I", data, at)[0]
        header = json.loads(data[at + 4 : at + 4 + length])
        at += 4 + length
        path = base64.b64decode(header["path_base64"]) if "path_base64" in header else header["path"].encode()
        assert path not in found, path
        size = sum(header["data"][1::2]) if "data" in header else header["size"]
        found[path] = (header, data[at : at + size])
        at += size
    return found


class FilesTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.target = os.path.join(self.workspace, "target")

    def stage(self, content, path=None, step=50_000, id=None, **fields):
        return self.send("stage", content, step, path=path or self.target, id=id or os.urandom(8).hex(), **fields)

    def push(self, content, **options):
        """Stages and commits. Returns the stage's answer, or the refusal of either; `committed` has the commit's answer."""
        stream, answer = self.stage(content, **options)
        if not answer["ok"]:
            return answer
        self.committed = self.wire.ask("commit", transfer=stream)
        return answer if self.committed["ok"] else self.committed

    def receive(self, op, **fields):
        """Requests content; returns the answer and the content."""
        stream = self.wire.post(op, **fields)
        self.wire.window(stream, CONTENT, 0, ALL)
        content = bytearray()
        while True:
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                return json.loads(payload), bytes(content)
            if kind == DATA:
                assert struct.unpack_from("<Q", payload, 1)[0] == len(content)
                content += payload[9:]
                self.wire.window(stream, CONTENT, len(content), ALL)

    def get(self, path):
        return self.receive("get", path=path)

    def send(self, op, content=b"", step=50_000, **fields):
        """Sends content as windows allow; returns the stream and the answer."""
        stream = self.wire.post(op, **fields)
        at = limit = 0
        sent_eof = False
        while True:
            kind, _, payload = self.wire.take(lambda k, s, p: s == stream)
            if kind == RESPONSE:
                return stream, json.loads(payload)
            assert kind == WINDOW and payload[0] == CONTENT
            acked, limit = struct.unpack("<QQ", payload[1:])
            assert acked <= at and limit - acked <= GRANTED
            while at < min(limit, len(content)):
                part = content[at : min(at + step, limit)]
                self.wire.data(stream, CONTENT, at, part)
                at += len(part)
            if at == len(content) and not sent_eof:
                self.wire.eof(stream, CONTENT, at)
                sent_eof = True

    def at(self, *names):
        return os.path.join(self.target, *names)

    def assert_nothing_staged(self):
        """Staged files are removed, perhaps a little later."""
        wait_until(lambda: not os.path.exists(os.path.join(self.workspace, ".pyro-staging")))


class Walking:
    """Before a test class: its agent does without openat2 and renameat2."""

    def setUp(self):
        known, agent.BINARY = agent.BINARY, "build/pyro-agent-walks"
        try:
            super().setUp()
        finally:
            agent.BINARY = known

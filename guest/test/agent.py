"""An agent under sanitizers, as each test wants it."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from wire import DEADLINE_S, RESPONSE, Wire, connect

BINARY = os.environ.get("PYRO_TEST_AGENT", "build/pyro-agent-test")
EPOLL_CALLS = {"232", "281"}  # epoll_wait and epoll_pwait of x86-64
ENVIRONMENT = {
    **os.environ,
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:detect_leaks=1:abort_on_error=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


class AgentTest(unittest.TestCase):
    """Gives `self.wire`, a synced session with an agent on a socket pair; at the end the agent must leave cleanly."""

    wrapper = ()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyro-agent-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.make_workspace()
        ours, theirs = socket.socketpair()
        self.launch("--fd", str(theirs.fileno()), pass_fds=[theirs.fileno()])
        theirs.close()
        self.wire = Wire(ours)
        self.addCleanup(self.leave)
        self.hello = self.wire.sync()

    def make_workspace(self):
        self.workspace = os.path.join(self.folder, "workspace")
        os.mkdir(self.workspace)

    def more_arguments(self):
        return []

    def launch(self, *arguments, **options):
        self.errors = open(os.path.join(self.folder, "stderr"), "w+b")
        self.addCleanup(self.errors.close)
        # The test ignores signals itself: a command must not inherit that.
        options.setdefault("preexec_fn", lambda: signal.signal(signal.SIGQUIT, signal.SIG_IGN))
        self.process = subprocess.Popen([*self.wrapper, BINARY, *arguments, "--workspace", self.workspace, *self.more_arguments()], stderr=self.errors, env=ENVIRONMENT, **options)

    def leave(self):
        self.wire.close()
        self.assert_clean_exit()

    def assert_clean_exit(self):
        status = self.process.wait(DEADLINE_S)
        self.errors.seek(0)
        self.assertEqual((status, self.errors.read().decode(errors="replace")), (0, ""))

    def assert_error(self, answer, code, **fields):
        self.assertFalse(answer["ok"], answer)
        self.assertEqual(answer["error"]["code"], code, answer)
        for name, value in fields.items():
            self.assertEqual(answer["error"].get(name), value, answer)

    def settle(self):
        """Waits until the agent has read all there is and sleeps again."""
        wait_until(lambda: self.wire.is_taken() and self.is_asleep())

    def is_asleep(self):
        with open(f"/proc/{self.process.pid}/syscall") as file:
            return file.read().split()[0] in EPOLL_CALLS

    def assert_broken(self):
        """The agent ignores input until a sync record, and works normally after it."""
        wire = self.wire
        stream = wire.post("ping")
        self.settle()
        wire.sync()
        self.assertNotIn(struct.pack("<IB", stream, RESPONSE), wire.skipped)
        self.assertEqual(wire.ask("ping"), {"ok": True})


class ListeningTest(AgentTest):
    """The same with --listen: `self.reconnect()` gives a new connection to the same agent."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="pyro-agent-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.make_workspace()
        self.path = os.path.join(self.folder, "s")
        self.launch("--listen", self.path)
        self.addCleanup(self.stop)
        self.wire = Wire(connect(self.path))
        self.hello = self.wire.sync()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.wire.close()
        self.assert_clean_exit()
        self.assertFalse(os.path.exists(self.path))

    def reconnect(self, close=True):
        old = self.wire
        if close:
            old.close()
        self.wire = Wire(connect(self.path))
        self.wire.next_stream = old.next_stream
        self.hello = self.wire.sync()
        return old


def wait_until(condition):
    """Polls a condition that nothing announces."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.002)


def is_alive(pid):
    """Running: neither gone nor a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

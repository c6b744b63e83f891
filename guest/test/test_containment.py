"""All processes of a command are killed with it, even detached ones. They keep running when the command ends by itself."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

from agent import BINARY, ENVIRONMENT, AgentTest, is_alive, wait_until
from wire import DEADLINE_S, STDOUT, Wire

PYTHON = sys.executable
DOUBLE_FORK = "import os,time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(300)"
NEW_SESSION = "import subprocess; subprocess.Popen(['sleep','300'], start_new_session=True); input()"
# Each process of the chain leaves its parent before the agent can find it.
HOPS = "import os\nwhile True:\n  if os.fork(): os._exit(0)\n"

# How processes leave the process group of their command.
ESCAPES = {
    "timeout": "timeout 300 sleep 299",
    "setsid": "setsid sleep 300 & wait",
    "new session": f'{PYTHON} -c "{NEW_SESSION}" < /dev/zero & sleep 300',
    "double fork": f'{PYTHON} -c "{DOUBLE_FORK}"; sleep 300',
    "job control": "bash -c 'set -m; sleep 300 & wait'",
    "daemon in a shell": "(setsid setsid sleep 300 &) ; sleep 300",
    "reparented grandchildren": "sh -c 'sh -c \"setsid sh -c \\\"sleep 300; true\\\" & sleep 0.1\" &' ; sleep 300",
    "stopped": "setsid sh -c 'kill -STOP $$' & sleep 300",
    "deaf": "setsid sh -c 'trap \"\" TERM INT HUP; sleep 300; true' & sleep 300",
}


class Containment(AgentTest):
    def run_marked(self, script, **fields):
        """Starts a command whose processes the test recognises by a variable, even when they have left its process group."""
        self.mark = f"PYRO_MARK={os.urandom(8).hex()}"
        name, value = self.mark.split("=")
        return self.wire.start(f"echo ready; {script}", env={name: value}, **fields)

    def marked(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.mark.encode() in file.read() and is_alive(pid):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def start_escape(self, script):
        stream = self.run_marked(script)
        self.wire.collect(stream, STDOUT, until=6)
        wait_until(lambda: any(self.has_left(pid) for pid in self.marked()))
        return stream

    def has_left(self, pid):
        try:
            return os.getpgid(pid) != self.wire.pid
        except ProcessLookupError:
            return False

    def names(self):
        found = []
        for pid in self.marked():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
                found.append(file.read().strip())
        return sorted(found)

    def kill(self, stream):
        return self.wire.ask("signal", job=stream, signal="KILL", group=True, all=True)

    def test_nothing_survives_a_kill(self):
        for name, script in ESCAPES.items():
            with self.subTest(name):
                stream = self.start_escape(script)
                self.assertEqual(self.kill(stream), {"ok": True})
                self.assertEqual(self.wire.exit(stream)["signal"], "KILL")
                self.assertEqual(self.marked(), [])
                self.wire.ask("release", job=stream)

    def test_a_fork_loop_does_not_outrun_a_kill(self):
        stream = self.start_escape(f"{PYTHON} -c '{HOPS}' & setsid {PYTHON} -c '{HOPS}' & sleep 300")
        self.kill(stream)
        self.wire.exit(stream)
        wait_until(lambda: self.marked() == [])

    def test_nothing_survives_the_release_of_a_running_job(self):
        for name, script in ESCAPES.items():
            with self.subTest(name):
                stream = self.start_escape(script)
                self.assertEqual(self.wire.ask("release", job=stream), {"ok": True})
                wait_until(lambda: self.marked() == [])

    def test_the_port_of_a_killed_server_is_free_at_its_end(self):
        server = "import socket,time; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); time.sleep(300)"
        stream = self.run_marked(f"setsid {PYTHON} -c \"{server}\" & wait")
        out = self.wire.collect(stream, STDOUT, until=7)
        while not out.endswith(b"\n") or out.count(b"\n") < 2:
            out += self.wire.collect(stream, STDOUT, offset=len(out), until=1)
        self.kill(stream)
        self.wire.exit(stream)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", int(out.split()[1])))

    def test_a_service_outlives_a_command_that_ends_by_itself(self):
        for end in ("exit 0", "exit 3", "kill -TERM $$", "kill -KILL $$"):
            with self.subTest(end):
                stream = self.run_marked(f"setsid sleep 300 >/dev/null 2>&1 & {end}")
                self.wire.exit(stream)
                wait_until(lambda: self.names() == ["sleep"])
                left = self.marked()
                self.assert_error(self.kill(stream), "IO", errno="ESRCH")
                self.assertEqual(self.wire.ask("release", job=stream), {"ok": True})
                self.assertEqual(self.wire.ask("ping"), {"ok": True})
                self.assertEqual(self.marked(), left)
                os.kill(left[0], signal.SIGKILL)

    def test_after_an_interrupt_of_the_whole_job_the_command_may_end_itself(self):
        stream = self.start_escape("setsid sleep 300 & trap 'echo bye; exit 5' INT; while :; do sleep 0.01; done")
        self.assertEqual(self.wire.ask("signal", job=stream, signal="INT", group=True, all=True), {"ok": True})
        self.assertEqual(self.wire.collect(stream, STDOUT, offset=6, until=4), b"bye\n")
        self.assertEqual(self.wire.exit(stream)["exit_code"], 5)
        self.assertEqual(self.marked(), [])

    def test_an_interrupt_of_the_group_leaves_other_processes(self):
        stream = self.start_escape("setsid sleep 300 & exec sleep 300")
        self.wire.ask("signal", job=stream, signal="INT", group=True)
        self.assertEqual(self.wire.exit(stream)["signal"], "INT")
        wait_until(lambda: self.names() == ["sleep"])
        (left,) = self.marked()
        os.kill(left, signal.SIGKILL)

    def test_jobs_do_not_touch_each_other(self):
        kept = self.start_escape("setsid sleep 300 & sleep 300")
        wait_until(lambda: self.names() == ["sh", "sleep", "sleep"])
        kept_mark, kept_pids = self.mark, self.marked()
        killed = self.start_escape("setsid sleep 300 & sleep 300")
        self.kill(killed)
        self.wire.exit(killed)
        self.mark = kept_mark
        self.assertEqual(self.marked(), kept_pids)
        self.kill(kept)
        self.wire.exit(kept)

    def test_nothing_survives_the_agent(self):
        ours, theirs = socket.socketpair()
        agent = subprocess.Popen(
            [BINARY, "--fd", str(theirs.fileno()), "--workspace", self.workspace], pass_fds=[theirs.fileno()], env=ENVIRONMENT
        )
        theirs.close()
        self.addCleanup(setattr, self, "wire", self.wire)
        own, self.wire = self.wire, Wire(ours)
        self.wire.sync()
        self.start_escape("setsid sleep 300 & sleep 300")
        agent.kill()
        agent.wait(DEADLINE_S)
        wait_until(lambda: self.marked() == [])
        self.wire.close()
        self.wire = own

    def test_a_shepherd_that_is_killed_ends_its_job(self):
        stream = self.run_marked("exec sleep 300")
        self.wire.collect(stream, STDOUT, until=6)
        with open(f"/proc/{self.wire.pid}/stat") as stat:
            shepherd = int(stat.read().rsplit(")", 1)[1].split()[1])
        os.kill(shepherd, signal.SIGKILL)
        self.assertEqual(self.wire.exit(stream)["signal"], "KILL")
        os.kill(self.wire.pid, signal.SIGKILL)

    def test_bad_fields(self):
        stream = self.wire.start("exec sleep 300")
        self.assert_error(self.wire.ask("signal", job=stream, signal="KILL", group=True, all=1), "BAD_REQUEST")
        self.wire.ask("release", job=stream)

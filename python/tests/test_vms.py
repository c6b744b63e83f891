"""Every method against real VMs; test/python/vms.vm.test.ts sets PYRO_HOME and PYRO_EXECUTABLE."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from pyro_mcp import AsyncPyro, Cancellation, Pyro, PyroError

SMALL = {"mem_mib": 256}
pyro = Pyro()


def daemon_pid() -> int:
    executable = os.environ["PYRO_EXECUTABLE"]
    status = subprocess.run([executable, "daemon", "status", "--json"], capture_output=True, check=True)
    return json.loads(status.stdout)["pid"]


def kill_daemon() -> None:
    """Returns when it is gone: until then its socket takes connections, which its end resets."""
    pid = daemon_pid()
    os.kill(pid, signal.SIGKILL)
    while is_running(pid):
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Vms(unittest.TestCase):
    def test_environments_and_the_host(self):
        names = [environment["name"] for environment in pyro.list_environments()["environments"]]
        self.assertIn("debian:12", names)
        phases = []
        pulled = pyro.pull_environment("debian:12", on_progress=lambda event: phases.append(event["phase"]))
        self.assertEqual((pulled["built"], phases[-1]), (False, "ready"))
        self.assertEqual(pyro.inspect_environment("debian:12")["digest"], pulled["digest"])
        self.assertTrue(pyro.doctor()["ok"])

    def test_a_vm_step_by_step(self):
        vm_id = pyro.create_vm("debian:12", ttl_seconds=60, **SMALL)["vm_id"]
        self.assertEqual(pyro.start_vm(vm_id)["state"], "started")
        self.assertEqual(pyro.status_vm(vm_id)["execution_mode"], "guest")
        result = pyro.exec_vm(vm_id, command="cat; pwd; echo $A", stdin="in\n", cwd="/", env={"A": "b"})
        self.assertEqual((result["stdout"], result["cleanup"]), ("in\n/\nb\n", {"deleted": True}))
        other = pyro.create_vm("debian:12", **SMALL)["vm_id"]
        self.assertEqual(pyro.stop_vm(other)["state"], "stopped")
        self.assertEqual(pyro.delete_vm(other), {"vm_id": other, "deleted": True})
        self.assertEqual(pyro.reap_expired(), {"removed": []})

    def test_a_command_in_the_background(self):
        with pyro.task("debian:12", **SMALL) as task:
            started = task.exec("trap 'echo told; exit 4' TERM; sleep 1000 & echo begun; wait", background=True)
            self.assertEqual(started["state"], "running")
            first = task.output(started["sequence"], wait_seconds=30)
            self.assertEqual((first["stdout"], first["complete"]), ("begun\n", False))
            self.assertTrue(task.signal(started["sequence"])["sent"])
            at = first["next_stdout_offset"]
            rest = task.output(started["sequence"], stdout_offset=at, wait_seconds=30, wait_for="end")
            self.assertEqual((rest["stdout"], rest["exit_code"], rest["complete"]), ("told\n", 4, True))

    def test_a_result_has_the_network(self):
        vm_id = pyro.create_vm("debian:12", network=True, **SMALL)["vm_id"]
        pyro.start_vm(vm_id)
        self.assertEqual(pyro.network_info_vm(vm_id)["network"]["state"], "up")
        self.assertEqual(pyro.delete_vm(vm_id)["deleted"], True)

    def test_the_mcp_server_is_the_same_one(self):
        with pyro.create_server().start() as server:
            hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
            server.stdin.write(json.dumps(request).encode() + b"\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            self.assertEqual(answer["result"]["serverInfo"]["name"], "pyro-mcp")
            server.stdin.close()
            self.assertEqual(server.wait(timeout=30), 0)

    def test_a_command_in_a_fresh_vm(self):
        result = pyro.run_in_vm("debian:12", command=["uname", "-s"], **SMALL)
        self.assertEqual((result["stdout"], result["execution_mode"]), ("Linux\n", "guest"))

    def test_a_task_exists_until_the_end_of_its_block(self):
        with pyro.task("debian:12", **SMALL) as task:
            task.exec("echo kept >note")
            again = pyro.open_task(task.task_id)
            self.assertEqual(again.exec("cat note")["stdout"], "kept\n")
            self.assertEqual(task.status()["command_count"], 2)
            self.assertEqual([entry["sequence"] for entry in task.logs()["entries"]], [1, 2])
            self.assertIn(task.task_id, [each["task_id"] for each in pyro.list_tasks()["tasks"]])
        with self.assertRaises(PyroError) as raised:
            task.status()
        self.assertEqual(raised.exception.code, "NOT_FOUND")
        task_id = pyro.create_task("debian:12", **SMALL)["task_id"]
        self.assertEqual(pyro.delete_task(task_id), {"task_id": task_id, "deleted": True})

    def test_a_source_is_packed_with_its_links_as_links(self):
        with tempfile.TemporaryDirectory() as root:
            source = pathlib.Path(root)
            (source / "dir").mkdir()
            (source / "dir" / "file").write_text("one\n")
            os.chmod(source / "dir" / "file", 0o640)
            os.utime(source / "dir" / "file", ns=(1, 1_000_000_000_123_456_789))
            os.link(source / "dir" / "file", source / "hard")
            os.symlink("dir/file", source / "link")
            os.symlink("dir", source / "directory")
            (source / ("n" * 200 + "ü")).write_text("long")
            with pyro.task("debian:12", source_path=source, **SMALL) as task:
                self.assertEqual(task.info["workspace_seed"]["entry_count"], 6)
                script = "readlink link directory; cat hard; stat -c '%a %y %h' dir/file; ls | wc -l"
                lines = task.exec(script)["stdout"].splitlines()
                self.assertEqual(lines[:3], ["dir/file", "dir", "one"])
                self.assertIn("640 2001-09-09 01:46:40.123456789", lines[3])
                self.assertTrue(lines[3].endswith(" 2"), lines[3])
                self.assertEqual(lines[4], "5")

                phases = []
                pushed = pyro.push_task_sync(
                    task.task_id,
                    source,
                    dest="sub",
                    exclude=["n*", "hard"],
                    on_progress=lambda event: phases.append(event["phase"]),
                )
                self.assertEqual((pushed["destination"], pushed["excluded_count"]), ("/workspace/sub", 2))
                self.assertEqual(task.sync_push(source, dry_run=True)["entry_count"], 6)

                os.symlink("../outside", source / "leaves")
                for path, code in ((source, "ARCHIVE_LINK_ESCAPES"), (source / "nothing", "SOURCE_NOT_FOUND")):
                    with self.assertRaises(PyroError) as raised:
                        task.sync_push(path, dest="third", links="refuse")
                    self.assertEqual(raised.exception.code, code)
                with self.assertRaises(PyroError) as raised:
                    task.sync_push("/dev/null")
                self.assertEqual(raised.exception.code, "SOURCE_UNSUPPORTED")
                self.assertEqual(task.exec("ls third")["exit_code"], 2)

    def test_a_command_survives_the_death_of_the_daemon(self):
        with pyro.task("debian:12", **SMALL) as task:
            said = []

            def on_stdout(text):
                said.append(text)
                if len(said) == 2:
                    kill_daemon()

            result = task.exec("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done; exit 5", on_stdout=on_stdout)
            self.assertEqual(("".join(said), result["exit_code"]), ("1\n2\n3\n4\n5\n6\n", 5))

    def test_a_shell_survives_the_death_of_the_daemon(self):
        def read_until(shell, text):
            shown = ""
            while text not in shown:
                shown += shell.read(60).decode()
            return shown

        def type_until(shell, typed, text):
            """Types a line again until its output appears, since a daemon that dies loses typed lines."""
            shown = ""
            while text not in shown:
                shell.write(typed)
                try:
                    shown += shell.read(1).decode()
                except TimeoutError:
                    pass

        async def in_asyncio(task_id):
            task = await AsyncPyro().open_task(task_id)
            async with await task.shell(replay=False) as shell:
                shown = ""
                kill_daemon()
                while "async 5" not in shown:
                    await shell.write("echo async $x\r")
                    try:
                        async with asyncio.timeout(1):
                            shown += (await shell.read()).decode()
                    except TimeoutError:
                        pass

        with pyro.task("debian:12", **SMALL) as task:
            with task.shell(env={"PS1": "$ "}, command=["bash", "--norc"]) as shell:
                shell.write("x=5; echo be''fore\r")
                read_until(shell, "before\r\n")
                kill_daemon()
                type_until(shell, "echo x is $x\r", "x is 5\r\n")
            asyncio.run(in_asyncio(task.task_id))
            last = task.shell()
            last.write("exit 3\r")
            self.assertEqual(last.exit(60)["exit_code"], 3)

    def test_a_terminal_is_typed_into_after_the_death_of_the_daemon(self):
        options = {"env": {"PS1": "$ "}, "tty": True, "timeout_seconds": 120}

        with pyro.task("debian:12", **SMALL) as task:
            keys, said = queue.SimpleQueue(), []
            results = []
            typed = iter(keys.get, None)
            run = threading.Thread(
                target=lambda: results.append(
                    task.exec(["bash", "--norc"], stdin=typed, on_stdout=said.append, **options)
                )
            )
            run.start()
            keys.put("x=5; echo be''fore\r")
            while "before" not in "".join(said):
                time.sleep(0.05)
            kill_daemon()
            # Keys that the dead daemon took are lost.
            while "x is 5" not in "".join(said):
                keys.put("echo x is $x\r")
                time.sleep(0.5)
            keys.put("exit 4\r")
            run.join()
            self.assertEqual(results[0]["exit_code"], 4)
            asyncio.run(self.type_after_a_death(task.task_id, options))

    async def type_after_a_death(self, task_id, options):
        task = await AsyncPyro().open_task(task_id)
        keys, said = asyncio.Queue(), []

        async def typed():
            while True:
                yield await keys.get()

        run = asyncio.create_task(task.exec(["bash", "--norc"], stdin=typed(), on_stdout=said.append, **options))
        await keys.put("x=6; echo be''fore\r")
        while "before" not in "".join(said):
            await asyncio.sleep(0.05)
        kill_daemon()
        while "x is 6" not in "".join(said):
            await keys.put("echo x is $x\r")
            await asyncio.sleep(0.5)
        await keys.put("exit 4\r")
        self.assertEqual((await run)["exit_code"], 4)

    def test_a_cancel_kills_all_processes_and_the_task_stays(self):
        with pyro.task("debian:12", **SMALL) as task:
            cancellation = Cancellation()
            result = task.exec(
                "echo begun; sleep 1000 & sleep 1000",
                cancellation=cancellation,
                on_stdout=lambda _text: cancellation.cancel(),
            )
            self.assertEqual((result["aborted"], result["stdout"]), (True, "begun\n"))
            self.assertEqual(task.exec("pgrep -x sleep")["exit_code"], 1)

    def test_threads_get_their_own_results(self):
        with pyro.task("debian:12", **SMALL) as task:
            failures = []

            def work(number):
                for count in range(20):
                    said = task.exec(["echo", f"{number} {count}"])["stdout"]
                    if said != f"{number} {count}\n":
                        failures.append(said)

            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertEqual(task.status()["command_count"], 80)


if __name__ == "__main__":
    unittest.main()

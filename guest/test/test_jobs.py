"""Commands: how they start, what they get, how they end."""

import os
import signal

from agent import AgentTest, is_alive, wait_until
from wire import ALL, EXIT, STDIN, STDOUT


class Start(AgentTest):
    def test_exit_codes_and_output(self):
        end, out, err = self.wire.run("echo out; echo err >&2; exit 7")
        self.assertEqual((end["exit_code"], out, err), (7, b"out\n", b"err\n"))
        self.assertEqual((end["stdout_bytes"], end["stderr_bytes"]), (4, 4))
        self.assertGreaterEqual(end["duration_ms"], 0)
        self.assertNotIn("signal", end)

    def test_death_by_signal(self):
        for name in ("KILL", "TERM", "SEGV", "USR1", "RTMIN+5"):
            number = 32 + 5 if name == "RTMIN+5" else getattr(signal, "SIG" + name)
            end, _, _ = self.wire.run(f"ulimit -c 0; kill -{int(number)} $$")
            self.assertEqual(end["signal"], name)
            self.assertNotIn("exit_code", end)

    def test_argv_is_not_changed(self):
        _, out, _ = self.wire.run(argv=["printf", "[%s]", "", "a b", "$HOME", "*", "é"])
        self.assertEqual(out, "[][a b][$HOME][*][é]".encode())

    def test_environment(self):
        _, out, _ = self.wire.run(argv=["env", "-0"], env={"A": "1=2", "HOME": "/home/x", "EMPTY": ""})
        got = dict(pair.split("=", 1) for pair in out.decode().rstrip("\0").split("\0"))
        self.assertEqual(got["PATH"], "/root/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        self.assertEqual((got["A"], got["HOME"], got["EMPTY"]), ("1=2", "/home/x", ""))
        self.assertEqual((got["USER"], got["LOGNAME"], got["SHELL"], got["LANG"]), ("root", "root", "/bin/sh", "C.UTF-8"))
        self.assertEqual(len(got), 8)

    def test_path_of_the_environment_finds_the_program(self):
        os.symlink("/bin/echo", os.path.join(self.folder, "greet"))
        path = f"/nonexistent::{self.folder}"
        self.assertEqual(self.wire.run(argv=["greet", "hi"], env={"PATH": path})[1], b"hi\n")
        self.assert_error(self.wire.ask("start", argv=["echo"], env={"PATH": "/nonexistent"}), "SPAWN_FAILED", errno="ENOENT")
        self.assert_error(self.wire.ask("start", argv=["echo"], env={"PATH": ""}), "SPAWN_FAILED", errno="ENOENT")

    def test_working_directory(self):
        self.assertEqual(self.wire.run("pwd")[1], b"/\n")
        self.assertEqual(self.wire.run("pwd", cwd=self.folder)[1], self.folder.encode() + b"\n")

    def test_stdin_is_null_unless_requested(self):
        self.assertEqual(self.wire.run("readlink /proc/self/fd/0")[1], b"/dev/null\n")

    def test_descriptors_do_not_leak(self):
        listing = self.wire.run("ls -l /proc/self/fd | sed 1d | wc -l")[1]
        self.assertEqual(listing.strip(), b"4")  # three and the one that ls reads with

    def test_signals_and_group_of_its_own(self):
        _, out, _ = self.wire.run("grep -E '^Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f1,5,6 /proc/$$/stat")
        lines = out.decode().split("\n")
        self.assertTrue(all(int(line.split()[1], 16) == 0 for line in lines[:2]), lines)
        pid, group, session = lines[2].split()
        self.assertTrue(pid == group == session, lines)

    def test_failures(self):
        ask = self.wire.ask
        self.assert_error(ask("start", argv=["no-such-program"]), "SPAWN_FAILED", errno="ENOENT", path="no-such-program")
        self.assert_error(ask("start", argv=["/etc/passwd"]), "SPAWN_FAILED", errno="EACCES", path="/etc/passwd")
        self.assert_error(ask("start", argv=["/etc/"]), "SPAWN_FAILED", errno="EACCES")
        self.assert_error(ask("start", command="true", cwd="/nope"), "SPAWN_FAILED", errno="ENOENT", path="/nope")
        self.assert_error(ask("start", command="true", cwd="/etc/passwd"), "SPAWN_FAILED", errno="ENOTDIR")
        self.assertEqual(self.wire.sync()["jobs"], [])

    def test_bad_requests(self):
        for fields in (
            {}, {"argv": []}, {"argv": "true"}, {"argv": [1]}, {"argv": ["a\0b"]}, {"argv": [""]}, {"argv": [["x"]]},
            {"command": 1}, {"command": "a\0b"}, {"command": "true", "argv": ["true"]}, {"command": "true", "cwd": "tmp"},
            {"command": "true", "cwd": 1}, {"command": "true", "env": []}, {"command": "true", "env": {"A": 1}},
            {"command": "true", "env": {"A=B": "1"}}, {"command": "true", "env": {"": "1"}}, {"command": "true", "env": {"A": "\0"}},
            {"command": "true", "stdin": 1}, {"command": "true", "tty": "yes"}, {"command": "true", "rows": 0},
            {"command": "true", "cols": 65536}, {"command": "true", "rows": 1.5},
        ):
            with self.subTest(fields):
                self.assert_error(self.wire.ask("start", **fields), "BAD_REQUEST")

    def test_the_most_words_that_a_frame_holds(self):
        _, out, _ = self.wire.run(argv=["sh", "-c", "echo $#", "x", *[""] * 21000])
        self.assertEqual(out, b"21000\n")
        words = {f"V{i}": "" for i in range(5000)}
        self.assertEqual(self.wire.run("env | grep -c ^V", env=words)[1], b"5000\n")

    def test_stream_in_use(self):
        stream = self.wire.start("exec sleep 1000")
        self.assert_error(self.wire.answer(self.wire.post("ping", stream=stream)), "EXISTS")
        self.assert_error(self.wire.answer(self.wire.post("start", stream=stream, command="true")), "EXISTS")
        self.wire.ask("release", job=stream)

    def test_too_many_jobs(self):
        streams, codes = [], []
        for _ in range(300):
            streams.append(self.wire.post("start", argv=["true"]))
        for stream in streams:
            answer = self.wire.answer(stream)
            codes.append("ok" if answer["ok"] else answer["error"]["code"])
        self.assertEqual(codes, ["ok"] * 256 + ["TOO_MANY_JOBS"] * 44)
        self.assertEqual(sorted(self.wire.sync()["jobs"]), streams[:256])
        for stream in streams[:256]:
            self.assertEqual(self.wire.ask("release", job=stream), {"ok": True})
        self.assertEqual(self.wire.run("echo again")[1], b"again\n")


class End(AgentTest):
    def pid_printed(self, stream):
        return int(self.wire.collect(stream, STDOUT, until=1).split()[0])

    def test_signal(self):
        stream = self.wire.start("trap 'echo got; exit 4' TERM; echo ready; while :; do sleep 0.01; done")
        self.wire.collect(stream, STDOUT, until=6)
        self.assertEqual(self.wire.ask("signal", job=stream, signal="TERM", group=False), {"ok": True})
        self.assertEqual(self.wire.exit(stream)["exit_code"], 4)
        self.assert_error(self.wire.ask("signal", job=stream, signal="TERM", group=False), "IO", errno="ESRCH")
        self.assert_error(self.wire.ask("signal", job=stream, signal="TERM", group=True), "IO", errno="ESRCH")

    def test_group_is_killed(self):
        stream = self.wire.start("sleep 1000 & echo $!; exec sleep 1000")
        child = self.pid_printed(stream)
        parent = self.wire.pid
        self.wire.ask("signal", job=stream, signal="KILL", group=True)
        self.assertEqual(self.wire.exit(stream)["signal"], "KILL")
        wait_until(lambda: not is_alive(child) and not is_alive(parent))

    def test_group_outlives_its_leader_and_can_be_killed(self):
        stream = self.wire.start("sleep 1000 & echo $!")
        child = self.pid_printed(stream)
        self.assertEqual(self.wire.exit(stream)["exit_code"], 0)
        self.assertTrue(is_alive(child))
        self.assertEqual(self.wire.ask("signal", job=stream, signal="KILL", group=True), {"ok": True})
        wait_until(lambda: not os.path.exists(f"/proc/{child}"))  # reaped, not only dead

    def test_release_kills_a_running_job(self):
        stream = self.wire.start("sleep 1000 & echo $!; exec sleep 1000")
        child = self.pid_printed(stream)
        self.assertEqual(self.wire.ask("release", job=stream), {"ok": True})
        wait_until(lambda: not is_alive(child) and not os.path.exists(f"/proc/{self.wire.pid}"))
        self.assert_error(self.wire.ask("follow", job=stream), "NO_SUCH_JOB")

    def test_orphans_are_reaped(self):
        _, out, _ = self.wire.run("(sleep 0.05 & echo $!) ; exit 0")
        wait_until(lambda: not os.path.exists(f"/proc/{int(out)}"))

    def test_service_outlives_its_command(self):
        path = os.path.join(self.folder, "beat")
        mark = os.path.join(self.folder, "go")
        os.mkfifo(mark)
        line = f"(read x < {mark}; seq 1 100000; seq 1 100000 >&2; echo alive > {path}) & echo started"
        end, out, err = self.wire.run(line)
        self.assertEqual((end["exit_code"], out, err), (0, b"started\n", b""))
        with open(mark, "w") as fifo:
            fifo.write("\n")
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) == 6)

    def test_exit_waits_for_output_of_children_in_the_grace(self):
        end, out, _ = self.wire.run("(sleep 0.02; echo late) &")
        self.assertEqual((end["stdout_bytes"], out), (5, b"late\n"))

    def test_the_exit_is_sent_once(self):
        stream = self.wire.start("true")
        self.wire.exit(stream)
        self.wire.window(stream, STDOUT, 0, ALL)
        self.wire.ask("follow", job=stream)
        self.assertTrue(self.wire.is_quiet())
        self.assertFalse([frame for frame in self.wire.frames if frame[0] == EXIT])

    def test_follow(self):
        stream = self.wire.start("echo abc; read x; exit 3", stdin=True)
        self.wire.collect(stream, STDOUT, until=4)
        answer = self.wire.ask("follow", job=stream)
        self.assertEqual(answer["state"], "running")
        self.assertEqual((answer["stdout_bytes"], answer["stdout_acked"], answer["stdin_acked"]), (4, 4, 0))
        self.assertNotIn("exit", answer)
        self.wire.data(stream, STDIN, 0, b"x\n")
        end = self.wire.exit(stream)
        answer = self.wire.ask("follow", job=stream)
        self.assertEqual((answer["state"], answer["exit"], answer["stdin_acked"]), ("exited", end, 2))

    def test_unknown_jobs_and_bad_fields(self):
        for op, fields in (
            ("follow", {}), ("signal", {"signal": "TERM", "group": True}), ("resize", {"rows": 1, "cols": 1}), ("release", {}),
        ):
            self.assert_error(self.wire.ask(op, job=4_000_000_000, **fields), "NO_SUCH_JOB")
            for job in (None, 0, -1, "1", 2**32, 1.0, [1]):
                self.assert_error(self.wire.ask(op, job=job, **fields), "BAD_REQUEST")
            self.assert_error(self.wire.ask(op, **fields), "BAD_REQUEST")
        stream = self.wire.start("exec sleep 1000")
        for name in ("SIGTERM", "term", "", "9", "NOPE", "RTMIN+33", 9, None):
            self.assert_error(self.wire.ask("signal", job=stream, signal=name, group=True), "BAD_REQUEST")
        self.assert_error(self.wire.ask("signal", job=stream, signal="TERM", group=1), "BAD_REQUEST")
        self.assert_error(self.wire.ask("resize", job=stream, rows=0, cols=1), "BAD_REQUEST")
        self.assert_error(self.wire.ask("resize", job=stream, rows=1, cols=1), "BAD_REQUEST")  # no terminal
        self.wire.ask("release", job=stream)

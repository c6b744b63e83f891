"""Calls against a daemon whose `vm.run` is the host's shell; test/python/client.slow.test.ts starts it and says where."""

from __future__ import annotations

import _thread
import hashlib
import os
import threading
import time
import unittest

from pyro_mcp import Cancellation, CommandFailedError, Pyro, PyroError

pyro = Pyro(home=os.environ["PYRO_TEST_HOME"], executable="/nonexistent")


class Mine(Exception):
    pass


def run(command, **options):
    return pyro.run_in_vm("debian:12", command=command, **options)


class Calls(unittest.TestCase):
    def test_a_failed_command_is_a_result(self):
        self.assertEqual(run("exit 3")["exit_code"], 3)
        self.assertEqual(run(["sh", "-c", 'exit "$0"', "4"])["exit_code"], 4)

    def test_check_raises_for_a_failed_command_with_its_result(self):
        self.assertEqual(run("true", check=True)["exit_code"], 0)
        for command, more, details in (
            ("exit 3", {}, {"exit_code": 3, "timed_out": False, "aborted": False, "oom_killed": False}),
            ("sleep 60", {"timeout_seconds": 1}, {"exit_code": 124, "timed_out": True, "aborted": False, "oom_killed": False}),
        ):
            with self.assertRaises(CommandFailedError) as raised:
                run(command, check=True, **more)
            self.assertEqual(raised.exception.code, "COMMAND_FAILED")
            self.assertEqual(raised.exception.details, details)
            self.assertEqual(raised.exception.result["exit_code"], details["exit_code"])

    def test_check_says_that_memory_ran_out(self):
        result = {"command": "make", "exit_code": 137, "timed_out": False, "aborted": False, "oom_killed": True}
        self.assertIn("137, out of memory", str(CommandFailedError(result)))

    def test_words_arrive_unchanged(self):
        said = []
        run(["printf", "%s|", "$HOME", "a  b", "it's", "*", "ü\n", "", "A=b"], on_stdout=said.append)
        self.assertEqual("".join(said), "$HOME|a  b|it's|*|ü\n||A=b|")

    def test_streams_stay_apart_and_characters_whole(self):
        out, err = [], []
        run("printf '\\303'; sleep 0.1; printf '\\274'; echo e >&2", on_stdout=out.append, on_stderr=err.append)
        self.assertEqual(("".join(out), "".join(err)), ("ü", "e\n"))

    def test_standard_input_is_a_text_bytes_or_pieces(self):
        big = b"0123456789abcdef" * 200_000
        for given in ("grün", "grün".encode(), iter(["gr", "ün".encode()])):
            said = []
            run("cat", stdin=given, on_stdout=said.append)
            self.assertEqual("".join(said), "grün")
        said = []
        run("sha256sum", stdin=big, on_stdout=said.append)
        self.assertEqual("".join(said).split()[0], hashlib.sha256(big).hexdigest())
        self.assertEqual(run("head -c 4", stdin=big)["exit_code"], 0)

    def test_errors_have_a_code_and_the_next_step(self):
        with self.assertRaises(PyroError) as raised:
            pyro.run_in_vm("unknown", command="true")
        self.assertEqual(raised.exception.code, "ENVIRONMENT_UNKNOWN")
        self.assertTrue(raised.exception.hint)
        with self.assertRaises(PyroError) as raised:
            run("true", vcpu_count=0)
        self.assertEqual(raised.exception.code, "INVALID_ARGUMENT")
        self.assertEqual(raised.exception.details["issues"][0]["field"], "vcpu_count")

    def test_an_exception_of_a_callback_ends_the_command_and_is_raised(self):
        def fail(_text):
            raise Mine

        with self.assertRaises(Mine):
            run("echo begun; sleep 60", on_stdout=fail)

    def test_an_exception_of_standard_input_ends_the_command_and_is_raised(self):
        def pieces():
            yield "a"
            raise Mine

        with self.assertRaises(Mine):
            run("sleep 60", stdin=pieces())

    def test_ctrl_c_ends_the_command(self):
        with self.assertRaises(KeyboardInterrupt):
            run("echo begun; sleep 60", on_stdout=lambda _text: _thread.interrupt_main())

    def test_another_thread_cancels(self):
        cancellation = Cancellation()
        begun = threading.Event()
        threading.Thread(target=lambda: (begun.wait(), cancellation.cancel())).start()
        result = run("echo begun; sleep 60", on_stdout=lambda _text: begun.set(), cancellation=cancellation)
        self.assertTrue(result["aborted"])
        with self.assertRaises(PyroError) as raised:
            run("true", cancellation=cancellation)
        self.assertEqual(raised.exception.code, "ABORTED")

    def test_after_a_cancel_the_trap_of_the_command_runs(self):
        cancellation = Cancellation()
        said = []

        def on_stdout(text):
            said.append(text)
            if text == "begun\n":
                cancellation.cancel()

        line = "trap 'echo bye; exit 0' INT; echo begun; while :; do sleep 0.05; done"
        result = run(line, on_stdout=on_stdout, cancellation=cancellation)
        self.assertEqual((result["aborted"], result["exit_code"], "".join(said)), (True, 0, "begun\nbye\n"))

    def test_a_second_cancel_kills_a_command_that_ignores_the_first(self):
        cancellation = Cancellation()
        line = "trap 'echo no' INT; echo begun; while :; do sleep 0.05; done"
        started = time.monotonic()
        result = run(line, on_stdout=lambda _text: cancellation.cancel(), cancellation=cancellation)
        self.assertTrue(result["aborted"])
        self.assertLess(time.monotonic() - started, 5)

    def test_without_a_daemon_and_an_executable_the_error_says_so(self):
        with self.assertRaises(PyroError) as raised:
            Pyro(home=os.environ["PYRO_TEST_HOME"] + "-other", executable="/nonexistent").doctor()
        self.assertEqual(raised.exception.code, "HOST_NOT_ABLE")


if __name__ == "__main__":
    unittest.main()

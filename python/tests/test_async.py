"""Asynchronous calls against a daemon whose `vm.run` is the host's shell; test/python/client.slow.test.ts starts it and says where."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import unittest

from pyro_mcp import AsyncPyro, CommandFailedError, PyroError

pyro = AsyncPyro(home=os.environ["PYRO_TEST_HOME"], executable="/nonexistent")


class Mine(Exception):
    pass


def run(command, **options):
    return pyro.run_in_vm("debian:12", command=command, **options)


class AsyncCalls(unittest.IsolatedAsyncioTestCase):
    async def test_a_failed_command_is_a_result_unless_it_is_checked(self):
        self.assertEqual((await run("exit 3"))["exit_code"], 3)
        with self.assertRaises(CommandFailedError):
            await run("exit 3", check=True)

    async def test_calls_share_one_thread(self):
        threads = []
        started = threading.active_count()

        async def on_stdout(_text):
            threads.append(threading.active_count())

        results = await asyncio.gather(*(run("echo one; sleep 0.2; echo two", on_stdout=on_stdout) for _ in range(10)))
        self.assertEqual([result["exit_code"] for result in results], [0] * 10)
        self.assertEqual(set(threads), {started})

    async def test_standard_input_is_a_text_bytes_or_pieces(self):
        async def pieces():
            yield "gr"
            await asyncio.sleep(0)
            yield "ün".encode()

        for given in ("grün", "grün".encode(), iter(["gr", "ün"]), pieces()):
            said = []
            await run("cat", stdin=given, on_stdout=said.append)
            self.assertEqual("".join(said), "grün")
        big = b"0123456789abcdef" * 200_000
        said = []
        await run("sha256sum", stdin=big, on_stdout=said.append)
        self.assertEqual("".join(said).split()[0], hashlib.sha256(big).hexdigest())
        self.assertEqual((await run("head -c 4", stdin=big))["exit_code"], 0)

    async def test_a_callback_holds_the_command_back_and_long_output_arrives_whole(self):
        sizes = []

        async def on_stdout(text):
            await asyncio.sleep(0)
            sizes.append(len(text))

        await run("head -c 5000000 /dev/zero | tr '\\0' x", on_stdout=on_stdout)
        self.assertEqual(sum(sizes), 5_000_000)

    async def test_errors_have_a_code(self):
        with self.assertRaises(PyroError) as raised:
            await pyro.run_in_vm("unknown", command="true")
        self.assertEqual(raised.exception.code, "ENVIRONMENT_UNKNOWN")

    async def test_what_a_callback_or_standard_input_raises_ends_the_command_and_is_raised(self):
        async def fail(_text):
            raise Mine

        async def pieces():
            yield "a"
            raise Mine

        with self.assertRaises(Mine):
            await run("echo begun; sleep 60", on_stdout=fail)
        with self.assertRaises(Mine):
            await run("sleep 60", stdin=pieces())

    async def test_a_cancelled_task_ends_its_command(self):
        begun = asyncio.Event()
        said = []

        def on_stdout(text):
            said.append(text)
            begun.set()

        line = "trap 'echo bye; exit 0' INT; echo begun; while :; do sleep 0.05; done"
        call = asyncio.create_task(run(line, on_stdout=on_stdout))
        await begun.wait()
        call.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await call

    async def test_without_a_daemon_and_without_an_executable_it_says_so(self):
        with self.assertRaises(PyroError) as raised:
            await AsyncPyro(home=os.environ["PYRO_TEST_HOME"] + "-other", executable="/nonexistent").doctor()
        self.assertEqual(raised.exception.code, "HOST_NOT_ABLE")


if __name__ == "__main__":
    unittest.main()

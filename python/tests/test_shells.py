"""Shells of a task whose guest is a process of the host; test/core/exec/shells.slow.test.ts starts its daemon and says where."""

from __future__ import annotations

import asyncio
import os
import threading
import unittest

from pyro_mcp import AsyncPyro, Pyro, PyroError

HOME = os.environ["PYRO_TEST_HOME"]
TASK = os.environ["PYRO_TEST_TASK"]
PLAIN = {"cwd": "/", "env": {"PS1": "$ "}, "command": ["bash", "--norc"], "rows": 10, "cols": 40}
TRAPPING = {"cwd": "/", "command": "trap 'echo told; exit 7' USR1; echo ready; while :; do sleep 0.1; done"}
SIZE = "until [ \"$(stty size)\" = '20 90' ]; do sleep 0.1; done; echo re''sized\r"


def until(shell, text: str) -> str:
    shown = ""
    while text not in shown:
        piece = shell.read(60).decode()
        assert piece, f"it ended after {shown!r}"
        shown += piece
    return shown


async def until_async(shell, text: str) -> str:
    shown = ""
    async with asyncio.timeout(60):
        while text not in shown:
            piece = (await shell.read()).decode()
            assert piece, f"it ended after {shown!r}"
            shown += piece
    return shown


class Shells(unittest.TestCase):
    def setUp(self):
        self.task = Pyro(home=HOME, executable="/nonexistent").open_task(TASK)

    def test_both_directions(self):
        with self.task.shell(name="both", **PLAIN) as shell:
            shell.write("stty size\r")
            until(shell, "10 40\r\n")
            shell.resize(20, 90)
            shell.write(SIZE)
            until(shell, "resized\r\n")
            with self.assertRaises(TimeoutError):
                shell.exit(0.01)
            shell.write("echo 日本; exit 4\r")
            self.assertIn("日本\r\n", b"".join(shell).decode())
            self.assertEqual(shell.exit()["exit_code"], 4)
            with self.assertRaises(PyroError) as raised:
                shell.write("x")
            self.assertEqual(raised.exception.code, "FAILED_PRECONDITION")

    def test_a_signal(self):
        shell = self.task.shell(name="trapping", **TRAPPING)
        until(shell, "ready")
        shell.signal("USR1")
        until(shell, "told")
        self.assertEqual(shell.exit(60)["exit_code"], 7)

    def test_a_shell_is_left_attached_to_again_and_taken_over(self):
        with self.task.shell(name="left", **PLAIN) as first:
            first.write("x=5; echo be''fore\r")
            until(first, "before\r\n")
        with self.assertRaises(PyroError) as raised:
            first.exit()
        self.assertEqual(raised.exception.code, "ABORTED")
        second = self.task.shell(name="left", replay=False)
        self.assertEqual((second.info["created"], second.info["sequence"]), (False, first.info["sequence"]))
        second.write("echo x is $x\r")
        self.assertNotIn("before", until(second, "x is 5\r\n"))
        third = self.task.shell(name="left")
        until(third, "before")
        for call in (second.exit, lambda: list(second)):
            with self.assertRaises(PyroError) as raised:
                call()
            self.assertEqual(raised.exception.code, "ABORTED")
        third.write("exit\r")
        self.assertEqual(third.exit()["exit_code"], 0)

    def test_a_long_paste_and_long_output_arrive_whole_and_unread_output_waits(self):
        text = "日本語テキスト🙂" * 10_000
        size = len(text.encode())
        command = f"stty raw -echo; echo ready; head -c {size} | cksum; yes | head -c 5000000; exit 3"
        with self.task.shell(name="long", cwd="/", command=command) as shell:
            until(shell, "ready")
            shell.write(text)
            with self.assertRaises(TimeoutError):
                shell.exit(0.5)
            shown = b"".join(shell).decode()
            self.assertRegex(shown, rf"^\s*\d+ {size}\n")
            self.assertEqual(shown.count("y"), 2_500_000)
            self.assertEqual(shell.exit()["exit_code"], 3)

    def test_a_refused_shell(self):
        for size in ({"rows": 0}, {"cols": 10_000}):
            with self.assertRaises(PyroError) as raised:
                self.task.shell(name="refused", **{**PLAIN, **size})
            self.assertEqual(raised.exception.code, "INVALID_ARGUMENT")


class AsyncShells(unittest.IsolatedAsyncioTestCase):
    async def test_both_directions_in_one_thread(self):
        threads = threading.active_count()
        task = await AsyncPyro(home=HOME, executable="/nonexistent").open_task(TASK)
        async with await task.shell(name="async", **PLAIN) as shell:
            await shell.write("stty size\r")
            await until_async(shell, "10 40\r\n")
            await shell.resize(20, 90)
            await shell.write(SIZE)
            await until_async(shell, "resized\r\n")
            self.assertEqual(threading.active_count(), threads)
        with self.assertRaises(PyroError) as raised:
            await shell.exit()
        self.assertEqual(raised.exception.code, "ABORTED")
        second = await task.shell(name="async", replay=False)
        self.assertEqual(second.info["created"], False)
        await second.write("exit 4\r")
        self.assertNotIn("resized", b"".join([piece async for piece in second]).decode())
        self.assertEqual((await second.exit())["exit_code"], 4)
        with self.assertRaises(PyroError) as raised:
            await second.write("x")
        self.assertEqual(raised.exception.code, "FAILED_PRECONDITION")

    async def test_a_signal(self):
        task = await AsyncPyro(home=HOME, executable="/nonexistent").open_task(TASK)
        shell = await task.shell(name="async-trapping", **TRAPPING)
        await until_async(shell, "ready")
        await shell.signal("USR1")
        await until_async(shell, "told")
        self.assertEqual((await shell.exit())["exit_code"], 7)

    async def test_a_shell_is_taken_over_and_a_reader_can_be_cancelled(self):
        task = await AsyncPyro(home=HOME, executable="/nonexistent").open_task(TASK)
        first = await task.shell(name="taken", **PLAIN)
        await until_async(first, "$")
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.1):
                await first.read()
        await first.write("echo st''ill\r")
        await until_async(first, "still\r\n")
        second = await task.shell(name="taken")
        with self.assertRaises(PyroError) as raised:
            await first.exit()
        self.assertEqual(raised.exception.code, "ABORTED")
        await second.write("exit\r")
        self.assertEqual((await second.exit())["exit_code"], 0)

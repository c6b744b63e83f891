"""--filter: the agent loads a seccomp program from a descriptor, for itself and its commands."""

import os
import struct
import subprocess
import unittest

from agent import BINARY, ENVIRONMENT, AgentTest

# The number of the system call; on x86-64 `mkdir` (83) returns EACCES, everything else is allowed.
REFUSE_MKDIR = b"".join(struct.pack("<HBBI", *words) for words in [(0x20, 0, 0, 0), (0x15, 0, 1, 83), (0x06, 0, 0, 0x5000D), (0x06, 0, 0, 0x7FFF0000)])


def pipe_with(content):
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


class FilterTest(AgentTest):
    def launch(self, *arguments, pass_fds, **options):
        filter_fd = pipe_with(REFUSE_MKDIR)
        super().launch(*arguments, "--filter", str(filter_fd), pass_fds=[*pass_fds, filter_fd], **options)
        os.close(filter_fd)

    def test_commands_run_under_the_filter(self):
        end, _, err = self.wire.run("mkdir x", cwd=self.folder)
        self.assertEqual(1, end["exit_code"])
        self.assertIn(b"Permission denied", err)


class BadFilterTest(unittest.TestCase):
    def end_with(self, content):
        filter_fd = pipe_with(content)
        words = [BINARY, "--listen", "/nonexistent/socket", "--filter", str(filter_fd)]
        ended = subprocess.run(words, pass_fds=[filter_fd], stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=30, check=False)
        os.close(filter_fd)
        self.assertNotEqual(0, ended.returncode)
        return ended.stderr

    def test_without_instructions_the_agent_ends(self):
        self.assertIn(b"the filter is cut off", self.end_with(b""))

    def test_with_half_an_instruction_the_agent_ends(self):
        self.assertIn(b"the filter is cut off", self.end_with(REFUSE_MKDIR[:12]))

    def test_with_too_many_instructions_the_agent_ends(self):
        self.assertIn(b"the filter is too long", self.end_with(REFUSE_MKDIR * 256))

    def test_with_an_instruction_that_the_kernel_refuses_the_agent_ends(self):
        self.assertIn(b"loading the filter", self.end_with(b"\xff" * 8))


if __name__ == "__main__":
    unittest.main()

"""Commands on a terminal: input, sizes, signals, output."""

from agent import AgentTest
from wire import STDIN, STDOUT


class Terminal(AgentTest):
    def test_a_terminal(self):
        _, out, err = self.wire.run("test -t 0 && test -t 1 && test -t 2 && tty >/dev/tty && echo err >&2 && stty size; echo $TERM",
                                    tty=True, stdin=True, rows=50, cols=132)
        self.assertTrue(out.startswith(b"/dev/pts/"), out)
        self.assertTrue(out.endswith(b"err\r\n50 132\r\nxterm-256color\r\n"), out)
        self.assertEqual(err, b"")

    def test_input_resize_and_interrupt(self):
        stream = self.wire.start("stty -echo; trap 'stty size' WINCH; trap 'echo int; exit 5' INT; echo ready; while :; do read x && echo \"<$x>\"; done",
                                 tty=True, stdin=True)
        self.wire.take_window(stream, STDIN)
        seen = self.wire.collect(stream, STDOUT, until=7)
        for offset, typed, wanted in ((0, b"hello\n", b"<hello>\r\n"), (6, b"\x03", b"int\r\n")):
            if typed == b"\x03":
                self.wire.ask("resize", job=stream, rows=7, cols=9)
                seen += self.read_until(stream, len(seen), b"7 9\r\n")
            self.wire.data(stream, STDIN, offset, typed)
            seen += self.read_until(stream, len(seen), wanted)
        self.assertEqual(self.wire.exit(stream)["exit_code"], 5)

    def read_until(self, stream, offset, wanted):
        got = b""
        while wanted not in got:
            got += self.wire.collect(stream, STDOUT, offset=offset + len(got), until=1)
        return got

    def test_end_of_input(self):
        for typed in (b"", b"whole\n", b"partial"):
            stream = self.wire.start("stty -echo; echo ready; exec cat", tty=True, stdin=True)
            self.wire.collect(stream, STDOUT, until=7)
            self.wire.data(stream, STDIN, 0, typed)
            self.wire.eof(stream, STDIN, len(typed))
            self.assertEqual(self.wire.exit(stream)["exit_code"], 0)
            out = self.wire.collect(stream, STDOUT, offset=7)
            self.assertEqual(out, typed.replace(b"\n", b"\r\n"))

    def test_a_lot_of_output(self):
        end, out, _ = self.wire.run("seq 1 50000", tty=True)
        self.assertEqual(out, b"".join(b"%d\r\n" % i for i in range(1, 50001)))
        self.assertEqual(end["stdout_bytes"], len(out))

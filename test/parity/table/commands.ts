import { LIMIT, MiB2, run, sh, type Case } from "./case.js";

/** Root of a guest takes the agent's port and writes bytes to it that are not a frame. */
const forge = `
import ctypes, os
libc = ctypes.CDLL(None)
pidfd_open, pidfd_getfd = 434, 438
port = next(n for n in os.listdir("/proc/1/fd") if "vport" in os.readlink("/proc/1/fd/" + n))
os.write(libc.syscall(pidfd_getfd, libc.syscall(pidfd_open, 1, 0), int(port), 0), bytes([255]) * 64)
while True: pass`;

export const commands: readonly Case[] = [
  { name: "success", ...run(["echo", "hello"]), expect: { exit_code: 0, stdout: "hello\n", stderr: "" }, on: "both" },
  {
    name: "failure",
    ...run(sh("echo out; echo err >&2; exit 7")),
    expect: { exit_code: 7, stderr: "err\n" },
    on: "both",
  },
  { name: "no such program", ...run(["no-such-program"]), expect: { exit_code: 127 }, on: "both" },
  { name: "not executable", ...run(["/etc/passwd"]), expect: { exit_code: 126 } },
  { name: "ended by a signal", ...run(sh("kill -TERM $$")), expect: { exit_code: 143 } },
  { name: "exit code 255", ...run(sh("exit 255")), expect: { exit_code: 255 } },
  { name: "no output", ...run(["true"]), expect: { stdout: "", stderr: "", stdout_truncated: false } },
  { name: "no newline at the end", ...run(["printf", "x"]), expect: { stdout: "x" } },
  { name: "carriage returns", ...run(["printf", "a\\r\\nb\\r\\n"]), expect: { stdout: "a\r\nb\r\n" } },
  {
    name: "control sequences",
    ...run(["printf", "\\033[31mred\\033[0m\\a"]),
    expect: { stdout: "\x1b[31mred\x1b[0m\x07" },
  },
  {
    name: "Unicode",
    ...run(["echo", "grüße 世界 🔥 e\u0301"]),
    expect: { stdout: "grüße 世界 🔥 e\u0301\n" },
    on: "both",
  },
  {
    name: "binary output",
    ...run(["printf", "a\\377\\200b"]),
    expect: { stdout: "Yf+AYg==", stdout_encoding: "base64", stderr_encoding: "utf-8" },
    on: "both",
  },
  {
    name: "binary standard error, text on standard output",
    ...run(sh("echo out; printf '\\377\\000' >&2")),
    expect: { stdout: "out\n", stdout_encoding: "utf-8", stderr: "/wA=", stderr_encoding: "base64" },
  },
  {
    name: "an output that ends within a character",
    ...run(["printf", "a\\342\\202"]),
    expect: { stdout: "YeKC", stdout_encoding: "base64" },
  },
  {
    name: "an output that a time-out ends within a character",
    ...run(sh("printf 'a\\342\\202'; sleep 60"), { timeout_seconds: 3 }),
    expect: { stdout: "a\uFFFD", stdout_encoding: "utf-8", timed_out: true },
  },
  {
    name: "output in the order of arrival",
    ...run(["echo", "grün"], { interleaved: true }),
    expect: { stdout: "grün\n", interleaved: [{ stream: "stdout", text: "grün\n" }] },
    on: "both",
  },
  {
    name: "binary output in the order of arrival",
    ...run(sh("printf '\\377\\376' >&2"), { interleaved: true }),
    expect: { stderr: "//4=", stderr_encoding: "base64", interleaved: [{ stream: "stderr", text: "//4=" }] },
  },
  { name: "NUL in the output", ...run(["printf", "a\\000b"]), expect: { stdout: "a\0b" } },
  {
    name: "words that reach the command unchanged",
    ...run(["printf", "%s|", "$HOME", "a  b", "it's", '"', "*", "\\", "\n", "", "A=b"]),
    expect: { stdout: "$HOME|a  b|it's|\"|*|\\|\n||A=b|" },
  },
  {
    name: "a program whose name looks like an assignment",
    ...run(["A=b", "x"]),
    expect: { exit_code: 127, command: "'A=b' x" },
  },
  { name: "standard input", ...run(["cat"]), stdin: "grün\nlast", expect: { stdout: "grün\nlast" }, on: "both" },
  { name: "no standard input", ...run(["wc", "-c"]), expect: { stdout: "0\n" } },
  {
    name: "standard input that the command does not read",
    ...run(["true"]),
    stdin: "x".repeat(1000),
    expect: { exit_code: 0 },
  },
  {
    name: "a time-out",
    ...run(sh("echo early; sleep 60"), { timeout_seconds: 3 }),
    expect: { stdout: "early\n", timed_out: true, aborted: false, exit_code: 124 },
    on: "both",
  },
  {
    name: "truncated output",
    ...run(sh(`echo first; ${MiB2}; echo; echo last`)),
    expect: { stdout_truncated: true, stdout_omitted_bytes: 2_097_152 + 12 - LIMIT, stderr_truncated: false },
    on: "both",
  },
  {
    name: "truncated errors",
    ...run(sh(`(${MiB2}) >&2`)),
    expect: { stderr_truncated: true, stderr_omitted_bytes: LIMIT },
  },
  {
    name: "output of exactly the limit",
    ...run(sh(`head -c ${LIMIT} /dev/zero | tr '\\0' x`)),
    expect: { stdout_truncated: false, stdout_omitted_bytes: 0 },
  },
  {
    name: "output cut within a character",
    ...run(
      sh(
        "i=0; while [ $i -lt 9000 ]; do i=$((i+1)); printf '世%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; done",
      ),
    ),
    expect: { stdout_truncated: true, stdout_encoding: "utf-8" },
  },
  { name: "the longest command", ...run(["echo", "x".repeat(49_152 - 5)]), expect: { exit_code: 0 } },
  { name: "a guest that forges frames", ...run(["python3", "-c", forge]), expect: "AGENT_PROTOCOL", on: "vm" },
];

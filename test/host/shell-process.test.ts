import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { ShellProcess } from "../../src/host/shell-process.js";

function open(prefix: readonly string[] = []): ShellProcess {
  return new ShellProcess(prefix, { cwd: tmpdir(), env: { PATH: process.env["PATH"], WORD: "it's" } });
}

test("a shell runs lines one after the other, with its directory and variables; quotes and output arrive unchanged", async () => {
  const shell = open();
  await shell.run(`test "$PWD" = '${tmpdir()}'`);
  await shell.run(`test "$WORD" = "it's" && echo "a line of output" && cat`);
  await shell.run("true");
  await shell.close();
});

test("a line that fails rejects with its status and standard error; the next one runs", async () => {
  const shell = open();
  await assert.rejects(shell.run("echo broken >&2; exit 3"), /status 3[^]*broken/);
  await shell.run("true");
  await shell.close();
});

test("a shell that cannot be started rejects the line with the reason", async () => {
  const shell = open(["/nonexistent/sandbox"]);
  await assert.rejects(shell.run("true"), /the shell ended[^]*ENOENT/);
  await shell.close();
});

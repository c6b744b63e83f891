import assert from "node:assert/strict";
import { test } from "node:test";

import { Agent } from "@mastra/core/agent";
import {
  DirectoryNotEmptyError,
  FileExistsError,
  FileNotFoundError,
  IsDirectoryError,
  NotDirectoryError,
  Workspace,
} from "@mastra/core/workspace";
import { MockLanguageModelV3 } from "ai/test";
import { Pyro } from "pyro-mcp";

import { PyroFilesystem } from "./mastra-filesystem.js";
import { PyroSandbox } from "./mastra-sandbox.js";

const small = { memMib: 512 };
const tasks = async () => (await new Pyro().listTasks()).tasks.length;

test("commands: lazy start, arguments, variables, output, time-out, abort, destroy", async () => {
  const sandbox = new PyroSandbox(small);
  assert.equal(await tasks(), 0);
  try {
    const seen: string[] = [];
    sandbox.setEnv((env) => ({ ...env, WORD: "a b" }));
    const ran = await sandbox.executeCommand("printf '%s|'", ["x y", "$HOME"], { onStdout: (text) => seen.push(text) });
    assert.deepEqual([ran.success, ran.exitCode, ran.stdout, seen.join("")], [true, 0, "x y|$HOME|", "x y|$HOME|"]);
    const failed = await sandbox.executeCommand("pwd; echo $WORD >&2; exit 3", [], { cwd: "/etc" });
    assert.deepEqual([failed.success, failed.exitCode, failed.stdout, failed.stderr], [false, 3, "/etc\n", "a b\n"]);
    const late = await sandbox.executeCommand("sleep 60", [], { timeout: 1000 });
    assert.deepEqual([late.timedOut, late.exitCode, late.stderr], [true, 124, "\nProcess timed out after 1000ms"]);
    const long = await sandbox.executeCommand("seq 1 300000");
    assert.ok(long.stdoutTruncated && long.stdoutDroppedBytes! > 0);
    const stop = new AbortController();
    const aborted = sandbox.executeCommand("exec sleep 765", [], { abortSignal: stop.signal });
    await sandbox.executeCommand("until pgrep -xf 'sleep 765'; do sleep 0.1; done");
    stop.abort();
    const { killed, success } = await aborted;
    assert.deepEqual([killed, success], [true, false]);
    await assert.rejects(sandbox.executeCommand("true", [], { cwd: "/nowhere" }), { name: "SandboxExecutionError" });
    await sandbox.writeFiles([{ path: "/workspace/key", content: Buffer.from([0, 255]), mode: 0o600 }]);
    assert.equal((await sandbox.executeCommand("stat -c %a.%s key")).stdout, "600.2\n");
    await sandbox.stop();
    assert.equal((await sandbox.executeCommand("cat key | wc -c")).stdout, "2\n");
    assert.match((await sandbox.networking.getPortUrl(8000))!, /^http:\/\/127\.0\.0\.1:\d+/);
    assert.equal(sandbox.getInfo().resources?.memoryMB, 512);
  } finally {
    await sandbox.destroy();
  }
  assert.equal(await tasks(), 0);
});

test("files: bytes, text, listings, moves, and Mastra's errors", async () => {
  const sandbox = new PyroSandbox(small);
  const files = new PyroFilesystem(sandbox);
  try {
    const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => index % 256));
    await files.writeFile("/workspace/a/b.bin", bytes);
    assert.deepEqual(await files.readFile("a/b.bin"), bytes);
    await files.writeFile("text.md", "one\n");
    await files.appendFile("text.md", "two\n");
    assert.equal(await files.readFile("text.md", { encoding: "utf-8" }), "one\ntwo\n");
    await assert.rejects(files.writeFile("text.md", "", { overwrite: false }), FileExistsError);
    await files.copyFile("a", "c", { recursive: true });
    await files.moveFile("c/b.bin", "c/d.bin");
    await files.mkdir("c/e/f");
    const names = (await files.readdir(".", { recursive: true })).map(({ name, type }) => `${type} ${name}`);
    const all = [
      "directory a",
      "file a/b.bin",
      "directory c",
      "file c/d.bin",
      "directory c/e",
      "directory c/e/f",
      "file text.md",
    ];
    assert.deepEqual(names.toSorted(), all.toSorted());
    assert.deepEqual((await files.readdir(".", { extension: ".md" })).map(({ name }) => name).toSorted(), [
      "a",
      "c",
      "text.md",
    ]);
    const { type, size } = await files.stat("text.md");
    assert.deepEqual([type, size], ["file", 8]);
    assert.deepEqual([await files.exists("text.md"), await files.exists("none")], [true, false]);
    await assert.rejects(files.readFile("none"), FileNotFoundError);
    await assert.rejects(files.readFile("a"), IsDirectoryError);
    await assert.rejects(files.writeFile("a", ""), IsDirectoryError);
    await assert.rejects(files.deleteFile("a"), IsDirectoryError);
    await assert.rejects(files.deleteFile("none"), FileNotFoundError);
    await files.deleteFile("none", { force: true });
    await assert.rejects(files.readdir("text.md"), NotDirectoryError);
    await assert.rejects(files.rmdir("c"), DirectoryNotEmptyError);
    await files.rmdir("c", { recursive: true });
    await files.deleteFile("text.md");
    assert.equal(await files.exists("c"), false);
  } finally {
    await sandbox.destroy();
  }
});

/** A model that makes these calls of tools, then ends. */
function scripted(...calls: readonly (readonly [name: string, input: object])[]) {
  const answers = [...calls, null].map((call, index) => ({
    content: call
      ? [{ type: "tool-call", toolCallId: `call-${index}`, toolName: call[0], input: JSON.stringify(call[1]) }]
      : [{ type: "text", text: "finished" }],
    finishReason: { unified: call ? "tool-calls" : "stop", raw: undefined },
    usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } },
    warnings: [],
  }));
  return new MockLanguageModelV3({ doGenerate: answers as never });
}

test("an agent with a workspace uses the VM's files and commands", async () => {
  const sandbox = new PyroSandbox(small);
  const workspace = new Workspace({ sandbox, filesystem: new PyroFilesystem(sandbox) });
  try {
    const model = scripted(
      ["mastra_workspace_write_file", { path: "hello.py", content: "print('hello')\n" }],
      ["mastra_workspace_execute_command", { command: "python3 hello.py; exit 4" }],
      ["mastra_workspace_execute_command", { command: "sleep 60", timeout: 2 }],
      ["mastra_workspace_read_file", { path: "hello.py" }],
    );
    const agent = new Agent({ id: "worker", name: "worker", instructions: "Work.", model: model as never, workspace });
    const { text, steps } = await agent.generate("Say hello.", { maxSteps: 9 });
    assert.equal(text, "finished");
    const said = steps
      .flatMap((step: any) => step.toolResults)
      .map((result: any) => String(result.payload?.result ?? result.output));
    assert.match(said[1]!, /hello[^]*Exit code: 4/);
    assert.match(said[2]!, /timed out|124/);
    assert.match(said[3]!, /print\('hello'\)/);
  } finally {
    await workspace.destroy();
  }
  assert.equal(await tasks(), 0);
});

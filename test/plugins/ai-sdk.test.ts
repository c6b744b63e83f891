import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, isStepCount, tool, type Experimental_SandboxSession } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { createBashTool } from "bash-tool";
import { Pyro } from "pyro-mcp";
import { z } from "zod";

import { bashToolSandbox, pyroSandbox } from "./ai-sdk.js";

const small = { memMib: 512 };
const tasks = async () => (await new Pyro().listTasks()).tasks.length;

/** A model that makes these calls of tools, then ends. */
function scripted(...calls: readonly (readonly [name: string, input: object])[]) {
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const answers = [...calls, null].map((call, index) => ({
    content: call
      ? [{ type: "tool-call", toolCallId: `call-${index}`, toolName: call[0], input: JSON.stringify(call[1]) }]
      : [{ type: "text", text: "finished" }],
    finishReason: { unified: call ? "tool-calls" : "stop", raw: undefined },
    usage,
    warnings: [],
  }));
  return new MockLanguageModelV4({ doGenerate: answers as never });
}

test("commands: output, exit code, directory, variables, time-out, cancel", async () => {
  await using sandbox = pyroSandbox({ ...small, timeoutSeconds: 5 });
  assert.equal(await tasks(), 0);
  const command = "pwd; echo $WORD; echo warning >&2; exit 3";
  const ran = await sandbox.run({ command, workingDirectory: "/etc", env: { WORD: "a b" } });
  assert.deepEqual(ran, { exitCode: 3, stdout: "/etc\na b\n", stderr: "warning\n" });
  const late = await sandbox.run({ command: "echo begun; sleep 60" });
  assert.equal(late.exitCode, 124);
  assert.match(late.stderr, /timed out/);
  const stop = new AbortController();
  const cancelled = sandbox.run({ command: "exec sleep 543", abortSignal: stop.signal });
  await sandbox.run({ command: "until pgrep -xf 'sleep 543'; do sleep 0.1; done" });
  stop.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(cancelled), /enough/);
  assert.equal((await sandbox.run({ command: "while pgrep -xf 'sleep 543'; do sleep 0.1; done" })).exitCode, 0);
  await assert.rejects(Promise.resolve(sandbox.run({ command: "true", workingDirectory: "/nowhere" })), /nowhere/);
});

test("files: bytes, text and streams arrive unchanged, directories are listed, and missing files are reported", async () => {
  await using sandbox = pyroSandbox(small);
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256);
  await sandbox.writeBinaryFile({ path: "a/b.bin", content: bytes });
  assert.deepEqual(new Uint8Array((await sandbox.readBinaryFile({ path: "/workspace/a/b.bin" }))!), bytes);
  const stream = await sandbox.readFile({ path: "a/b.bin" });
  await sandbox.writeFile({ path: "copy", content: stream! });
  assert.equal((await sandbox.run({ command: "cmp copy a/b.bin" })).exitCode, 0);
  await sandbox.writeTextFile({ path: "text", content: "one\ntwo\nthree\n" });
  assert.equal(await sandbox.readTextFile({ path: "text", startLine: 2, endLine: 9 }), "two\nthree\n");
  assert.deepEqual(await sandbox.stat({ path: "text" }), { type: "file", size: 14 });
  assert.equal((await sandbox.stat({ path: "a" }))?.type, "directory");
  await sandbox.run({ command: "ln -s a link" });
  assert.equal((await sandbox.stat({ path: "link" }))?.type, "directory");
  const listed = (await sandbox.listDirectory({ path: "." }))!.map(({ name, type }) => `${type} ${name}`);
  assert.deepEqual(listed.toSorted(), ["directory a", "file copy", "file text", "symlink link"]);
  for (const path of ["none", "none/x"]) {
    assert.equal(await sandbox.readFile({ path }), null);
    assert.equal(await sandbox.readTextFile({ path }), null);
    assert.equal(await sandbox.stat({ path }), null);
    assert.equal(await sandbox.listDirectory({ path }), null);
    assert.equal(await sandbox.deleteFile({ path }), false);
  }
  assert.equal(await sandbox.deleteFile({ path: "link" }), true);
  assert.equal(await sandbox.deleteFile({ path: "text" }), true);
  const refused = [
    () => sandbox.deleteFile({ path: "a" }),
    () => sandbox.writeTextFile({ path: "a", content: "" }),
    () => sandbox.listDirectory({ path: "copy" }),
    () => sandbox.readBinaryFile({ path: "a" }),
  ];
  for (const call of refused) await assert.rejects(async () => call());
});

test("spawn: both streams, standard input, kill, abort", async () => {
  await using sandbox = pyroSandbox(small);
  const cat = await sandbox.spawn({ command: "cat; echo end >&2; exit 4", stdin: true });
  const writer = cat.stdin.getWriter();
  await writer.write(Buffer.from("typed"));
  await writer.close();
  assert.equal(await new Response(cat.stdout).text(), "typed");
  assert.equal(await new Response(cat.stderr).text(), "end\n");
  assert.deepEqual(await cat.wait(), { exitCode: 4 });
  const server = await sandbox.spawn({ command: "echo ready; exec sleep 654" });
  await server.stdout.getReader().read();
  await server.kill();
  await server.kill();
  assert.ok([130, 137].includes((await server.wait()).exitCode));
  const stop = new AbortController();
  const flood = await sandbox.spawn({ command: "yes", abortSignal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(Promise.resolve(flood.wait()), /enough/);
  assert.equal((await sandbox.run({ command: "while pgrep -x yes; do sleep 0.1; done" })).exitCode, 0);
});

test("generateText: a tool uses the sandbox; the VM goes when the block fails", async () => {
  const shell = tool({
    inputSchema: z.object({ command: z.string() }),
    execute: ({ command }, { experimental_sandbox, abortSignal }) =>
      (experimental_sandbox as Experimental_SandboxSession).run({ command, ...(abortSignal && { abortSignal }) }),
  });
  await assert.rejects(async () => {
    await using sandbox = pyroSandbox(small);
    const { steps, text } = await generateText({
      model: scripted(["shell", { command: "echo $((6 * 7))" }]),
      tools: { shell },
      experimental_sandbox: sandbox,
      stopWhen: isStepCount(3),
      prompt: "Count.",
    });
    assert.equal(text, "finished");
    assert.deepEqual(steps[0]?.toolResults[0]?.output, { exitCode: 0, stdout: "42\n", stderr: "" });
    assert.equal(await tasks(), 1);
    throw new Error("the program failed");
  }, /the program failed/);
  assert.equal(await tasks(), 0);
});

test("bash-tool: its three tools work in the VM", async () => {
  await using sandbox = pyroSandbox(small);
  const { tools } = await createBashTool({
    sandbox: bashToolSandbox(sandbox),
    destination: "/workspace",
    files: { "src/index.js": "export {};\n" },
  });
  const { steps } = await generateText({
    model: scripted(
      ["bash", { command: "ls src; seq 1 20000; exit 5" }],
      ["writeFile", { path: "note.txt", content: "späte" }],
      ["readFile", { path: "note.txt" }],
      ["readFile", { path: "none" }],
    ),
    tools,
    stopWhen: isStepCount(9),
    prompt: "Look.",
  });
  const [ran, wrote, read, missing] = steps.map(
    ({ content }) => content.at(-1) as { type: string; output?: any; error?: any },
  );
  assert.equal(ran?.output.exitCode, 5);
  assert.match(ran?.output.stdout, /^index.js\n1\n[^]*truncated/);
  assert.deepEqual([wrote?.output, read?.output], [{ success: true }, { content: "späte" }]);
  assert.equal(missing?.type, "tool-error");
  assert.match(String(missing?.error), /File not found: \/workspace\/none/);
});

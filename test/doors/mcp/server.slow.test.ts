import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import type { Handlers } from "../../../src/daemon/handlers.js";
import { until } from "../../client/scratch.js";
import { Listening, resultOf, runInShell } from "../../daemon/listening.js";
import { connectHere, textOf } from "./connect.js";

const run = { environment: "debian:12", command: "true" };
/** How long a server waits here before it answers that the work continues; the daemon must have the call by then. */
const PATIENCE_MS = 2_000;

test("a command's result comes as text and as structured content; a failed command is not an error", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(3), stdout: "out\n", stderr: "err\n" }));
  await using mcp = await connectHere({ env: daemon.env });
  const result = await mcp.call("vm_run", run);
  assert.notEqual(result.isError, true);
  const content = result.structuredContent as { exit_code: number; stdout: string };
  assert.deepEqual([content.exit_code, content.stdout], [3, "out\n"]);
  assert.match(textOf(result), /exit_code 3[^]*stdout:\nout\nstderr:\nerr$/);
});

test("stdin is text for the command", async () => {
  let received = "";
  await using daemon = new Listening(async (_core, _input, call) => {
    for await (const chunk of call.stdin ?? []) received += Buffer.from(chunk).toString();
    return resultOf(0);
  });
  await using mcp = await connectHere({ env: daemon.env });
  await mcp.result("vm_run", { ...run, stdin: "wörds\n" });
  assert.equal(received, "wörds\n");
});

test("an error is a result with its code, its facts and a next step that a model can take", async () => {
  await using daemon = new Listening(async () => {
    throw new PyroError("ENVIRONMENT_UNKNOWN", "There is none.", { details: { environment: "debian:99" } });
  });
  await using mcp = await connectHere({ env: daemon.env });
  const { code, text } = await mcp.failure("vm_run", run);
  assert.equal(code, "ENVIRONMENT_UNKNOWN");
  assert.match(text, /debian:99/);
  assert.match(text, /Next step: .*vm_list_environments/);
});

test("arguments that are wrong, missing or unknown are explained", async () => {
  await using daemon = new Listening(runInShell);
  await using mcp = await connectHere({ env: daemon.env });
  const of = async (tool: string, input: Record<string, unknown>) => {
    const { code, details, hint } = await mcp.failure(tool, input);
    assert.equal(code, "INVALID_ARGUMENT");
    return { fields: (details["issues"] as { field: string }[] | undefined)?.map(({ field }) => field), hint };
  };
  assert.deepEqual((await of("vm_run", { environment: 5, command: "true" })).fields, ["environment"]);
  assert.deepEqual((await of("vm_run", { environment: "debian:12" })).fields, ["command"]);
  const unknown = await of("vm_run", { environment: "debian:12", comand: "true" });
  assert.deepEqual(unknown.fields, ["comand", "command"]);
  assert.match(unknown.hint, /command/);
  assert.deepEqual((await of("task_exec", { task_id: "../../etc", command: "true" })).fields, ["task_id"]);
  assert.deepEqual((await of("vm_run", { ...run, timeout_seconds: 1e9 })).fields, ["timeout_seconds"]);
  assert.deepEqual((await of("vm_run", { ...run, command: "a\0b" })).fields, ["command"]);
  assert.match((await of("vm_rnu", {})).hint, /vm_run/);
  assert.match(
    (await of("task_exec", { task_id: "task-0123456789ab", command: "cat", stdin: "x", background: true })).hint,
    /file/,
  );
});

test("a missing or invalid source returns an error without starting a daemon", async () => {
  await using daemon = new Listening(runInShell);
  await using mcp = await connectHere({ env: daemon.env });
  for (const [source_path, code] of [
    [`${daemon.directory}/nowhere`, "SOURCE_NOT_FOUND"],
    ["/dev/null", "SOURCE_UNSUPPORTED"],
  ] as const) {
    const created = await mcp.failure("task_create", { environment: "debian:12", source_path });
    assert.equal(created.code, code);
    assert.ok(created.text.includes(source_path));
    const pushed = await mcp.failure("task_sync_push", { task_id: "task-0123456789ab", source_path });
    assert.equal(pushed.code, code);
  }
});

test("output that looks like the protocol, is not UTF-8 or is endless is returned as output", async () => {
  const answer = `{"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n`;
  const stdout = answer + Buffer.from([0xff, 0xfe, 0x1b, 0x5b, 0x32, 0x4a]).toString() + "x".repeat(1_000_000);
  await using daemon = new Listening(async (_core, _input, call) => {
    await call.emit({ event: "stdout", data: Buffer.from(stdout) });
    return { ...resultOf(0), stdout };
  });
  await using mcp = await connectHere({ env: daemon.env });
  const told: string[] = [];
  const result = await mcp.call("vm_run", run, { onprogress: ({ message }) => void told.push(message ?? "") });
  assert.ok(textOf(result).includes(answer));
  assert.ok(textOf(result).length < 33_500);
  assert.ok(JSON.stringify(result).length < 70_000);
  assert.ok(told.every((message) => message.length < 300));
  const small = await mcp.call("vm_run", { ...run, max_output_bytes: 300 });
  assert.ok(JSON.stringify(small).length < 2_000);
});

test("progress has the phase, the seconds and the last line, and never decreases", async () => {
  let end = () => {};
  await using daemon = new Listening(async (_core, _input, call) => {
    await call.emit({ event: "progress", phase: "install", message: "Installing packages", fraction: 0.5 });
    await new Promise<void>((resolve) => (end = resolve));
    await call.emit({ event: "stdout", data: Buffer.from("first\n\u001b[1mlast line\u001b[0m\n") });
    await new Promise<void>((resolve) => (end = resolve));
    return resultOf(0);
  });
  await using mcp = await connectHere({ env: daemon.env });
  const told: { progress: number; message?: string | undefined }[] = [];
  const done = mcp.call("vm_run", run, { onprogress: (progress) => void told.push(progress) });
  await until("progress has the phase", () =>
    told.some(({ message }) => message?.includes("Installing packages (50 %)")),
  );
  end();
  // Sent with the next heartbeat, if the last one was a moment ago.
  await until("progress has the last line", () => told.some(({ message }) => message?.endsWith(" s · last line")));
  end();
  await done;
  const values = told.map(({ progress }) => progress);
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
});

test("cancelling a request cancels the command", async () => {
  let isCancelled = false;
  let isRunning = false;
  await using daemon = new Listening(async (_core, _input, call) => {
    isRunning = true;
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    isCancelled = call.isCancelled();
    return { ...resultOf(137), aborted: true };
  });
  await using mcp = await connectHere({ env: daemon.env });
  const controller = new AbortController();
  const call = mcp.call("vm_run", run, { signal: controller.signal });
  await until("it runs", () => isRunning);
  controller.abort();
  await assert.rejects(call);
  await until("it was cancelled", () => isCancelled);
});

test("a client that receives progress keeps hearing of a silent command; a client that gives up cancels the command", async () => {
  let aborted = 0;
  let isHeard = () => {};
  const heard = new Promise<void>((resolve) => (isHeard = resolve));
  await using daemon = new Listening(async (_core, _input, call) => {
    const left = new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve()));
    await Promise.race([heard, left]);
    if (call.isCancelled()) aborted += 1;
    return resultOf(0);
  });
  await using mcp = await connectHere({ env: daemon.env });
  let reports = 0;
  const onprogress = () => {
    reports += 1;
    if (reports === 2) isHeard();
  };
  const patient = mcp.call("vm_run", run, { timeout: 60_000, resetTimeoutOnProgress: true, onprogress });
  const hasty = mcp.call("vm_run", run, { timeout: 1_000 });
  await assert.rejects(hasty);
  await until("the one given up was cancelled", () => aborted === 1);
  await patient;
  assert.equal(aborted, 1);
});

const building = (): { handlers: Partial<Handlers>; pulls: () => number; finish: () => void } => {
  let pulls = 0;
  let finish = () => {};
  const handlers = {
    "env.pull": async () => {
      pulls += 1;
      await new Promise<void>((resolve) => (finish = resolve));
      throw new PyroError("ABORTED", "The test is over.");
    },
  } as unknown as Partial<Handlers>;
  return { handlers, pulls: () => pulls, finish: () => finish() };
};

test("a build continues when the waiting call has returned", async () => {
  const { handlers, pulls, finish } = building();
  await using daemon = new Listening(
    async (_core, _input, call) => {
      await call.emit({ event: "progress", phase: "download", message: "Downloading", fraction: 0.1 });
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      throw new PyroError("ABORTED", "It was cancelled.");
    },
    { others: handlers },
  );
  await using mcp = await connectHere({ env: daemon.env, patienceMs: PATIENCE_MS });
  const { code, text } = await mcp.failure("vm_run", run);
  assert.equal(code, "ENVIRONMENT_BUILDING");
  assert.match(text, /10 %/);
  await mcp.failure("vm_run", run);
  assert.equal(pulls(), 1, "one build of its own is enough");
  finish();
});

for (const asks of [false, true]) {
  test(`a command of a task: the answer comes before a client gives up, and the command continues${asks ? ", also when the client asks for progress" : ""}`, async () => {
    const outcome = (state: string) => {
      const { vm_id: _, cleanup: __, environment: ___, ...rest } = resultOf(0);
      const more = { task_id: "task-0123456789ab", sequence: 7, cwd: "/workspace", error: null, restored: null };
      const ended = state === "ended";
      return { ...rest, ...more, state, exit_code: ended ? 0 : null, started_at: new Date().toISOString() };
    };
    let finish = () => {};
    let cancelled: boolean | null = null;
    const others = {
      "task.exec": async (_core: unknown, _input: unknown, call: Parameters<typeof runInShell>[2]) => {
        await call.emit({ event: "started", sequence: 7 });
        await new Promise<void>((resolve) => {
          finish = resolve;
          call.signal.addEventListener("abort", () => resolve());
        });
        cancelled = call.isCancelled();
        return outcome("ended");
      },
      "task.logs": async () => ({ task_id: "task-0123456789ab", count: 1, entries: [outcome("running")] }),
    } as unknown as Partial<Handlers>;
    await using daemon = new Listening(runInShell, { others });
    await using mcp = await connectHere({ env: daemon.env, patienceMs: PATIENCE_MS });
    const input = { task_id: "task-0123456789ab", command: "sleep 100" };
    const result = await mcp.call("task_exec", input, asks ? { onprogress: () => {} } : {});
    assert.ok(!result.isError, textOf(result));
    assert.equal((result.structuredContent as { state: string }).state, "running");
    assert.match(textOf(result), /task_exec_output \(sequence 7/);
    await mcp.client.close();
    finish();
    await until("it has ended", () => cancelled !== null);
    assert.equal(cancelled, false);
  });
}

test("a wait for output ends before a client gives up", async () => {
  const waits: unknown[] = [];
  const others = {
    "task.exec_output": async (_core: unknown, input: { wait_seconds: number }) => {
      waits.push(input.wait_seconds);
      throw new PyroError("NOT_FOUND", "So it is.");
    },
  } as unknown as Partial<Handlers>;
  await using daemon = new Listening(runInShell, { others });
  await using mcp = await connectHere({ env: daemon.env });
  const input = { task_id: "task-0123456789ab", sequence: 1 };
  for (const wait_seconds of [0, 10, 3600]) await mcp.failure("task_exec_output", { ...input, wait_seconds });
  assert.deepEqual(waits, [0, 10, 45]);
});

test("errors of pyro are logged to the client, errors of the caller are not", async () => {
  const errors: Error[] = [];
  let code: "INTERNAL" | "NOT_FOUND" = "NOT_FOUND";
  await using daemon = new Listening(async () => {
    throw new PyroError(code, "So it is.");
  });
  await using mcp = await connectHere({ env: daemon.env, onError: (error) => void errors.push(error) });
  await mcp.failure("vm_run", run);
  assert.equal(mcp.logged.length, 0);
  code = "INTERNAL";
  await mcp.failure("vm_run", run);
  await until("it is logged", () => mcp.logged.length === 1);
  assert.equal(errors.length, 1);
});

test("the prompt contains the loop and the given arguments", async () => {
  await using daemon = new Listening(runInShell);
  await using mcp = await connectHere({ env: daemon.env });
  assert.deepEqual(
    (await mcp.client.listPrompts()).prompts.map(({ name }) => name),
    ["sandboxed-fix"],
  );
  const { messages } = await mcp.client.getPrompt({ name: "sandboxed-fix", arguments: { source_path: "/src/app" } });
  const text = JSON.stringify(messages);
  for (const word of ["/src/app", "task_create", "task_exec", "task_sync_push", "task_delete"])
    assert.ok(text.includes(word), word);
  await assert.rejects(mcp.client.getPrompt({ name: "sandboxed-fix", arguments: {} }), { code: -32602 });
  await assert.rejects(mcp.client.getPrompt({ name: "nope" }), { code: -32602 });
});

test("a command that ran out of memory: the answer has the VM's memory and the field to raise", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(137), oom_killed: true, mem_mib: 256 }));
  await using mcp = await connectHere({ env: daemon.env });
  const result = await mcp.call("vm_run", run);
  assert.equal((result.structuredContent as { oom_killed: boolean }).oom_killed, true);
  assert.match(textOf(result), /256 MiB.*mem_mib/);
});

import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Scratch, until } from "../../client/scratch.js";
import { connectStdio } from "./connect.js";

interface Message {
  readonly id?: number | string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

/** `pyro mcp serve`, which the test writes to and reads from line by line. */
class Raw {
  readonly child: ChildProcess;
  readonly messages: Message[] = [];
  readonly ended: Promise<number | null>;
  stderr = "";

  constructor(scratch: Scratch, env: NodeJS.ProcessEnv = {}) {
    this.child = scratch.start(["mcp", "serve"], env);
    let pending = "";
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (pending + text).split("\n");
      pending = lines.pop() ?? "";
      // Every line must be a message.
      for (const line of lines) this.messages.push(JSON.parse(line) as Message);
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.child.stdin?.on("error", () => {});
    this.ended = new Promise((resolve) => this.child.once("close", resolve));
  }

  say(line: string | object): void {
    this.child.stdin?.write(`${typeof line === "string" ? line : JSON.stringify({ jsonrpc: "2.0", ...line })}\n`);
  }

  async answer(id: number): Promise<Message> {
    await until(`an answer to ${id}`, () => this.messages.some((message) => message.id === id));
    return this.messages.find((message) => message.id === id)!;
  }

  async next(): Promise<Message> {
    await until("another message", () => this.messages.length > 0);
    return this.messages.shift()!;
  }

  async initialize(): Promise<void> {
    const clientInfo = { name: "raw", version: "1" };
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    this.say({ id: 0, method: "initialize", params });
    assert.equal((await this.answer(0)).result?.["protocolVersion"], "2025-06-18");
    this.say({ method: "notifications/initialized" });
    this.messages.length = 0;
  }
}

test("initialize and the lists are answered without a daemon", async () => {
  await using scratch = new Scratch();
  await using mcp = await connectStdio(scratch.env);
  assert.equal(mcp.client.getServerVersion()?.name, "pyro-mcp");
  assert.ok((await mcp.client.listTools()).tools.length > 15);
  assert.equal((await mcp.client.listResources()).resources.length, 2);
  assert.equal((await mcp.client.listResourceTemplates()).resourceTemplates.length, 2);
  const { stdout } = await scratch.pyro(["daemon", "status", "--json"]);
  assert.equal((JSON.parse(stdout) as { running: boolean }).running, false);
});

test("invalid lines return JSON-RPC errors, and the session continues", async () => {
  await using scratch = new Scratch();
  const raw = new Raw(scratch);
  await raw.initialize();
  raw.say("{ not json");
  assert.equal((await raw.next()).error?.code, -32700);
  raw.say('{"jsonrpc":"1.0","id":7,"method":"ping"}');
  const refused = await raw.next();
  assert.deepEqual([refused.id, refused.error?.code], [7, -32600]);
  raw.say("[]");
  assert.equal((await raw.next()).error?.code, -32600);
  raw.say("x".repeat(17_000_000));
  assert.equal((await raw.next()).error?.code, -32600);
  raw.say({ id: 8, method: "no/such/method" });
  assert.equal((await raw.answer(8)).error?.code, -32601);
  raw.say({ id: 9, method: "tools/call", params: { name: 5 } });
  assert.equal((await raw.answer(9)).error?.code, -32602);
  raw.say({ id: 10, method: "tools/call", params: { name: "vm_run", arguments: "text" } });
  assert.equal((await raw.answer(10)).error?.code, -32602);
  raw.say({ id: 11, method: "resources/read", params: { uri: "pyro://nothing" } });
  assert.ok([-32002, -32602].includes((await raw.answer(11)).error?.code ?? 0));
  raw.say("");
  raw.say({ id: 12, method: "ping" });
  assert.deepEqual((await raw.answer(12)).result, {});
  raw.child.stdin?.end();
  assert.equal(await raw.ended, 0);
});

test("the server ends when its input is closed, on SIGTERM, and when its output has no reader", async () => {
  await using scratch = new Scratch();
  const closed = new Raw(scratch);
  await closed.initialize();
  closed.child.stdin?.end();
  assert.equal(await closed.ended, 0);

  const told = new Raw(scratch);
  await told.initialize();
  told.child.kill("SIGTERM");
  assert.equal(await told.ended, 0);

  const unread = new Raw(scratch);
  await unread.initialize();
  unread.child.stdout?.destroy();
  unread.say({ id: 1, method: "tools/list" });
  unread.say({ id: 2, method: "tools/list" });
  await unread.ended;
});

test("an unusable home is an error of the tool, and the server keeps running", async () => {
  await using scratch = new Scratch();
  const file = join(scratch.directory, "file");
  writeFileSync(file, "");
  const raw = new Raw(scratch, { PYRO_HOME: file });
  await raw.initialize();
  raw.say({ id: 1, method: "tools/call", params: { name: "task_list", arguments: {} } });
  const { result } = await raw.answer(1);
  assert.equal(result?.["isError"], true);
  assert.match(JSON.stringify(result), /HOME_UNUSABLE/);
  assert.match(raw.stderr, /\S/);
  raw.child.stdin?.end();
  await raw.ended;
});

test("a client that has listed the resources is notified of tasks that other clients create and delete", async () => {
  await using scratch = new Scratch();
  await using mcp = await connectStdio(scratch.env);
  await mcp.client.listResources();
  await mcp.hears("the first daemon", () => mcp.result("task_list"));
  const directory = join(scratch.home, "tasks", "task-0123456789ab");
  await mcp.hears("a new task", async () => mkdirSync(directory));
  await mcp.hears("its end", async () => rmSync(directory, { recursive: true }));
});

test("after the daemon was stopped the next call starts another; two servers share it", async () => {
  await using scratch = new Scratch();
  await using one = await connectStdio(scratch.env);
  await using other = await connectStdio(scratch.env);
  const [a, b] = await Promise.all([one.result("vm_list_environments"), other.result("vm_list_environments")]);
  assert.deepEqual(a, b);
  const { stdout } = await scratch.pyro(["daemon", "stop", "--json"]);
  assert.equal((JSON.parse(stdout) as { stopped: boolean }).stopped, true);
  await one.result("task_list");
  assert.equal((await other.failure("task_status", { task_id: "task-0123456789ab" })).code, "NOT_FOUND");
});

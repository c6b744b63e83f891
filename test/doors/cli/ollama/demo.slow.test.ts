import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { parseOllamaHost } from "../../../../src/doors/cli/ollama/host.js";
import { endOf, pyroPath, until, type Ended } from "../../../client/scratch.js";
import { Listening, runInShell } from "../../../daemon/listening.js";
import { OllamaServer, saying, type Chat, type Reply } from "./server.js";

/** An address at which no program listens. */
const NOBODY = "127.0.0.1:9";

interface Demo extends Ended {
  readonly chats: readonly Chat[];
  /** The lines of the log: subject and text of each. */
  readonly lines: readonly string[];
}

function start(daemon: Listening, host: string, args: readonly string[]): ChildProcess {
  const env = { ...daemon.env, OLLAMA_HOST: host };
  return spawn(process.execPath, [pyroPath, "demo", "ollama", ...args], { env });
}

/** Runs the demonstration with a model that gives these replies, one per message. */
async function demo(replies: readonly Reply[], options: { models?: string[]; args?: string[] } = {}): Promise<Demo> {
  await using daemon = new Listening(runInShell);
  const models = options.models ?? ["test:latest"];
  await using server = await OllamaServer.open(
    models,
    (_chat, number) => replies[number - 1] ?? saying({ content: "?" }),
  );
  const ended = await endOf(start(daemon, server.host, options.args ?? []));
  const lines = ended.stdout.split("\n").filter((line) => line.startsWith("[ollama] "));
  return { ...ended, chats: server.chats, lines };
}

const run = (command: string) => ["vm_run", { environment: "debian:12", command }] as const;
const toolMessages = ({ chats }: Demo) => (chats.at(-1)?.messages ?? []).filter(({ role }) => role === "tool");

test("a model that calls a tool, thinks and answers: a line for each step, and one at the end", async () => {
  const ended = await demo([
    saying({ thinking: "I need a VM.", calls: [run("echo one"), run("exit 3")] }),
    saying({ content: "It printed one." }),
  ]);
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.lines[0]!, /^\[ollama\] begun model=test:latest$/);
  assert.match(ended.lines[1]!, /^\[ollama\] step=1 tool=vm_run ok=true command="echo one" exit_code=0/);
  assert.match(ended.lines[2]!, /^\[ollama\] step=2 tool=vm_run ok=true command="exit 3" exit_code=3/);
  assert.match(ended.stdout, /\nIt printed one\.\n\[ollama\] done .*outcome=answered .*tool_calls=2 failed=0 .*\n$/);
  assert.equal(ended.lines.length, 4);
  const [first, second] = ended.chats as [Chat, Chat];
  assert.equal(first.stream, true);
  const [, , said, ...results] = second.messages;
  assert.deepEqual([said!.role, said!.thinking, said!.tool_calls?.length], ["assistant", "I need a VM.", 2]);
  assert.deepEqual(
    results.map(({ role, tool_name, content }) => [
      role,
      tool_name,
      (JSON.parse(content) as { exit_code: number }).exit_code,
    ]),
    [
      ["tool", "vm_run", 0],
      ["tool", "vm_run", 3],
    ],
  );
});

test("the tools come from the contract, without the fields that are hidden from a model", async () => {
  const { chats } = await demo([saying({ calls: [run("true")] }), saying({ content: "Done." })]);
  const tools = chats[0]!.tools;
  const names = tools.map(({ function: { name } }) => name);
  for (const name of ["vm_run", "task_create", "task_exec", "task_status", "task_logs", "task_delete", "task_list"]) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(names.every((name) => name === "vm_run" || name.startsWith("task_")));
  const { properties, required } = tools.find(({ function: { name } }) => name === "vm_run")!.function.parameters;
  assert.deepEqual(required, ["environment", "command"]);
  for (const tool of tools) {
    for (const withheld of ["allow_host_compat", "network", "source_path"]) {
      assert.ok(!Object.hasOwn(tool.function.parameters.properties, withheld));
    }
  }
  assert.ok(Object.hasOwn(properties, "timeout_seconds"));
});

test("an invalid call returns an error to the model, which may correct itself", async () => {
  const ended = await demo([
    saying({
      calls: [
        ["vm_run", "{not json"],
        ["vm_run", [1]],
        ["vm_run", { environment: "debian:12" }],
        ["vm_run", { environment: "debian:12", command: "true", allow_host_compat: true }],
        ["vm_fly", {}],
        ["task_exec", { task_id: "task-0123456789ab", command: "true" }],
        ["task_delete", { task_id: "task-0123456789ab" }],
      ],
    }),
    saying({ calls: [["vm_run", JSON.stringify({ environment: "debian:12", command: "echo corrected" })]] }),
    saying({ content: "Done." }),
  ]);
  assert.equal(ended.status, 0, ended.stderr);
  const codes = toolMessages(ended).map(
    ({ content }) => (JSON.parse(content) as { error?: { code: string } }).error?.code,
  );
  assert.deepEqual(codes, [...Array<string>(5).fill("INVALID_ARGUMENT"), "NOT_FOUND", "NOT_FOUND", undefined]);
  assert.match(ended.lines.at(-1)!, /outcome=answered .*tool_calls=8 failed=7/);
});

test("a malformed tool call does not end the demonstration", async () => {
  const nonsense = { message: { role: "assistant", content: "", tool_calls: [{}, { function: null }] }, done: false };
  const ended = await demo([[nonsense, ...saying({})], saying({ calls: [run("true")] }), saying({ content: "Done." })]);
  assert.equal(ended.status, 0, ended.stderr);
});

test("a model that uses no tool is reminded once, and the outcome says that it used none", async () => {
  const refusal = saying({ content: "I cannot run commands." });
  const ended = await demo([refusal, refusal]);
  assert.equal(ended.status, 1);
  assert.match(ended.lines.at(-1)!, /outcome=no_tool_used .*tool_calls=0/);
  const reminded = await demo([refusal, saying({ calls: [run("true")] }), saying({ content: "Done." })]);
  assert.equal(reminded.status, 0);
});

test("a model that calls tools without end is stopped", async () => {
  const ended = await demo(Array.from({ length: 50 }, () => saying({ calls: [run("true")] })));
  assert.equal(ended.status, 1);
  assert.match(ended.lines.at(-1)!, /outcome=unfinished/);
  assert.ok(ended.chats.length <= 12);
});

test("output of a model or a command cannot control the terminal", async () => {
  const evil = "\u001b]0;owned\u0007\u001b[2J\n[ollama] done outcome=answered";
  const ended = await demo([
    saying({ calls: [run(`true '${evil}'`), [evil, {}]] }),
    saying({ content: `${evil} \u009b1m` }),
  ]);
  assert.doesNotMatch(ended.stdout.replaceAll("\n", ""), /\p{Cc}/u);
  assert.equal(ended.lines.filter((line) => line.startsWith("[ollama] step=")).length, 2);
});

test("the first model that can call tools is used; one that was named is not replaced", async () => {
  const models = ["plain:latest", "able:latest"];
  const replies = (chat: Chat): Reply =>
    chat.model.startsWith("plain")
      ? { status: 400, error: "registry.ollama.ai/library/plain:latest does not support tools" }
      : saying(chat.messages.length > 2 ? { content: "Done." } : { calls: [run("true")] });
  await using daemon = new Listening(runInShell);
  await using server = await OllamaServer.open(models, replies);
  const chosen = await endOf(start(daemon, server.host, []));
  assert.equal(chosen.status, 0, chosen.stderr);
  assert.match(chosen.stdout, /skipped model=plain:latest[^]*begun model=able:latest/);
  const named = await endOf(start(daemon, server.host, ["--model", "plain"]));
  assert.equal(named.status, 125);
  assert.match(named.stderr, /cannot|can call tools[^]*hint: .*ollama pull/);
});

test("the error has a next step when there is no server, no Ollama, no model, or not that model", async (t) => {
  const nothing = createServer((_request, response) => response.end("<html>"));
  nothing.listen(0, "127.0.0.1");
  await once(nothing, "listening");
  await using daemon = new Listening(runInShell);
  await using empty = await OllamaServer.open([], () => saying({}));
  const cases = {
    "no server": { host: NOBODY, args: [], status: 125, hint: /ollama serve.*OLLAMA_HOST/ },
    "no Ollama": {
      host: `127.0.0.1:${(nothing.address() as AddressInfo).port}`,
      args: [],
      status: 125,
      hint: /OLLAMA_HOST/,
    },
    "no model": { host: empty.host, args: [], status: 125, hint: /ollama pull/ },
    "not that model": { host: empty.host, args: ["--model", "other"], status: 2, hint: /ollama pull other/ },
    "no address": { host: "http://[", args: [], status: 2, hint: /127\.0\.0\.1:11434/ },
  };
  for (const [what, { host, args, status, hint }] of Object.entries(cases)) {
    await t.test(what, async () => {
      const ended = await endOf(start(daemon, host, args));
      assert.equal(ended.status, status, ended.stderr);
      assert.match(ended.stderr, new RegExp(`hint: .*${hint.source}`));
    });
  }
  nothing.close();
});

test("an error in the middle, half an answer, and invalid JSON are reported as failures of Ollama", async (t) => {
  const cases: Record<string, Reply> = {
    "an error in the middle": [saying({ content: "a" })[0]!, { error: "model runner has unexpectedly stopped" }],
    "half an answer": [saying({ content: "ab" })[0]!],
    "another status": { status: 500, error: "out of memory" },
  };
  for (const [what, reply] of Object.entries(cases)) {
    await t.test(what, async () => {
      const { status, stderr } = await demo([reply]);
      assert.equal(status, 125);
      assert.match(stderr, /^pyro: Ollama failed: .*\nhint: /);
    });
  }
});

test("Ctrl-C ends it, while the model thinks and while a command runs", async () => {
  let runs = 0;
  await using daemon = new Listening((...given) => ((runs += 1), runInShell(...given)));
  await using server = await OllamaServer.open(["test:latest"], (_chat, number) =>
    number === 1 ? null : saying({ calls: [run("sleep 60")] }),
  );
  for (const condition of [() => server.chats.length === 1, () => runs === 1]) {
    const child = start(daemon, server.host, []);
    const ended = endOf(child);
    await until("it is at work", condition);
    child.kill("SIGINT");
    assert.equal((await ended).status, 130);
    await until("nothing runs any more", () => daemon.lifetime.isIdle());
  }
});

test("OLLAMA_HOST is read as Ollama reads it", () => {
  const expected: Record<string, string> = {
    "": "http://127.0.0.1:11434/",
    "10.0.0.1": "http://10.0.0.1:11434/",
    "example.test:1234": "http://example.test:1234/",
    ":5000": "http://127.0.0.1:5000/",
    "0.0.0.0": "http://127.0.0.1:11434/",
    "http://example.test": "http://example.test/",
    "https://example.test/ollama": "https://example.test/ollama/",
    "[::1]:1": "http://[::1]:1/",
  };
  for (const [text, url] of Object.entries(expected)) assert.equal(parseOllamaHost(text).href, url, text);
  assert.equal(parseOllamaHost(undefined).href, "http://127.0.0.1:11434/");
});

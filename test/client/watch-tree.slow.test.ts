import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { execFileSync } from "node:child_process";

import { PyroError } from "../../src/contract/errors.js";
import type { WatchTaskEvent, WatchTaskOptions } from "../../src/doors/sdk/call-options.js";
import { AgentMachines } from "../core/agent-machines.js";
import { openTasks } from "../core/open-tasks.js";
import { temporaryDirectory } from "../store/scratch.js";
import { until } from "./scratch.js";

/** A task without a VM, a watched directory, and the events of the watch. */
async function watched(t: TestContext, options: WatchTaskOptions = {}, layOut: (source: string) => void = () => {}) {
  const machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  const source = temporaryDirectory(t);
  layOut(source);
  const ending = new AbortController();
  const events: WatchTaskEvent[] = [];
  const ended = (async () => {
    for await (const event of task.watch(source, { ...options, signal: ending.signal })) events.push(event);
  })().then(
    () => null,
    (error: unknown) => PyroError.from(error),
  );
  t.after(async () => {
    ending.abort();
    await ended;
    await task.delete().catch(() => {});
    await daemon[Symbol.asyncDispose]();
    await machines[Symbol.asyncDispose]();
  });
  await until("the first push", () => events.length > 0);
  const workspace = machines.workspaces[0]!;
  const arrives = (name: string, content: string) =>
    until(
      `${name} has arrived`,
      () => existsSync(join(workspace, name)) && readFileSync(join(workspace, name), "utf8") === content,
    );
  return { task, source, workspace, events, ended, ending, arrives };
}

test("a watch pushes changed files, new directories with their content, renames and removals", async (t) => {
  const { source, workspace, events, arrives } = await watched(t, { delete: true }, (path) =>
    writeFileSync(join(path, "old"), "old"),
  );
  assert.equal(readFileSync(join(workspace, "old"), "utf8"), "old");
  writeFileSync(join(source, "a"), "1");
  await arrives("a", "1");
  writeFileSync(join(source, "a"), "two");
  await arrives("a", "two");
  mkdirSync(join(source, "d/e"), { recursive: true });
  writeFileSync(join(source, "d/e/f"), "deep");
  await arrives("d/e/f", "deep");
  writeFileSync(join(source, "d/e/f"), "deeper");
  await arrives("d/e/f", "deeper");
  renameSync(join(source, "d"), join(source, "g"));
  await arrives("g/e/f", "deeper");
  writeFileSync(join(source, "g/e/f"), "moved");
  await arrives("g/e/f", "moved");
  rmSync(join(source, "a"));
  await until("it is removed", () => !existsSync(join(workspace, "a")));
  const named = events.flatMap((event) => (event.event === "pushed" ? event.changed : []));
  for (const name of ["a", "d", "g"]) assert.ok(named.includes(name), name);
});

test("many changes at once cause few pushes", async (t) => {
  const { source, events, arrives } = await watched(t);
  for (let file = 0; file < 300; file++) writeFileSync(join(source, `${file}`), `${file}`);
  await arrives("299", "299");
  assert.ok(events.length <= 10, `${events.length} pushes`);
});

test("entries that match patterns are not watched, nor, with gitTracked, entries that Git ignores", async (t) => {
  const { source, workspace, events, arrives } = await watched(t, { gitTracked: true, exclude: ["*.log"] }, (path) => {
    execFileSync("git", ["init", "--quiet", path]);
    writeFileSync(join(path, ".gitignore"), "node_modules/\n*.o\n");
    mkdirSync(join(path, "node_modules"));
    writeFileSync(join(path, "node_modules/x"), "");
  });
  const before = events.length;
  writeFileSync(join(source, "node_modules/x"), "changed");
  writeFileSync(join(source, "a.log"), "log");
  writeFileSync(join(source, "a.c"), "c");
  await arrives("a.c", "c");
  await until("the push is reported", () => events.length > before);
  const changed = events.slice(before).flatMap((event) => (event.event === "pushed" ? event.changed : []));
  assert.deepEqual(changed, ["a.c"]);
  assert.ok(!existsSync(join(workspace, "node_modules")));
});

test("a failure is reported, and the watch continues", async (t) => {
  const { source, workspace, events, arrives } = await watched(t);
  mkdirSync(join(workspace, "taken/by"), { recursive: true });
  writeFileSync(join(source, "taken"), "");
  await until("the failure", () => events.some(({ event }) => event === "failed"));
  const failed = events.find((event) => event.event === "failed");
  assert.equal(failed?.error.code, "WORKSPACE_CONFLICT");
  assert.equal(failed?.retries, false);
  rmSync(join(source, "taken"));
  writeFileSync(join(source, "free"), "free");
  await arrives("free", "free");
});

test("a watch ends with its signal, and with an error when the task or the directory is gone", async (t) => {
  const first = await watched(t);
  first.ending.abort();
  assert.equal(await first.ended, null);
  const second = await watched(t);
  await second.task.delete();
  writeFileSync(join(second.source, "a"), "");
  assert.equal((await second.ended)?.code, "NOT_FOUND");
  const third = await watched(t);
  rmSync(third.source, { recursive: true });
  assert.equal((await third.ended)?.code, "SOURCE_NOT_FOUND");
});

test("a file is not watched", async (t) => {
  const { task, source } = await watched(t);
  writeFileSync(join(source, "file"), "");
  await assert.rejects(task.watch(join(source, "file")).next(), { code: "SOURCE_UNSUPPORTED" });
});

test("a reader that stops ends the watch", async (t) => {
  const { task, source } = await watched(t);
  for await (const event of task.watch(source)) {
    assert.equal(event.event, "pushed");
    break;
  }
});

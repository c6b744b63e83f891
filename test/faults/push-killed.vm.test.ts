import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { random } from "../seed.js";
import type { ResultOf } from "../../src/contract/operations.js";
import { execTask } from "../../src/client/task-exec.js";
import { endOf, kill, until } from "../client/scratch.js";
import { roundsOr, TaskScratch } from "./task-scratch.js";

const FILES = 20_000;
const DIRECTORIES = 200;
/** How long to wait for a push that may have begun to switch the tree in, on a host that runs other tests too. */
const PUSH_END_SECONDS = 60;

let scratch: TaskScratch;
let task: string;
/** The contents of the files in the two trees, which have the same names. */
const words = ["old", "newer"];
const trees: Record<string, string> = {};
before(async () => {
  scratch = new TaskScratch();
  for (const word of words) {
    const root = join(scratch.directory, word);
    for (let directory = 0; directory < DIRECTORIES; directory += 1) {
      mkdirSync(join(root, `d${directory}`), { recursive: true });
      for (let file = 0; file < FILES / DIRECTORIES; file += 1)
        writeFileSync(join(root, `d${directory}`, `f${file}`), word);
    }
    trees[word] = root;
  }
  task = await scratch.create({ source_path: trees["old"]! });
});
after(() => scratch[Symbol.asyncDispose]());

/** The tree that the workspace has, recognised by the sizes of all its files; fails when it is neither, or a part of one. */
async function findTree(): Promise<string> {
  const counts = await say("find . -type f -printf '%s\\n' | sort | uniq -c");
  const [, count, size] = /^ *(\d+) (\d+)\n$/.exec(counts) ?? [];
  assert.equal(count, String(FILES), counts);
  const found = words.find((word) => word.length === Number(size));
  assert.ok(found, counts);
  return found;
}

async function say(command: string): Promise<string> {
  const { stdout } = await execTask(scratch.client, { task_id: task, command, timeout_seconds: 300 }, {});
  return stdout;
}

const lastPush = async () => (await scratch.status(task)).last_push?.source_path ?? null;

const PUSH = '"operation":"task.sync.push"';

/** Pushes whose input daemons of this home have. */
function pushesAsked(): number {
  const lines = readFileSync(join(scratch.home, "audit.log"), "utf8").split("\n");
  return lines.filter((line) => line.includes('"event":"call"') && line.includes(PUSH)).length;
}

/** Pushes that daemons of this home have finished. */
function pushesEnded(): number {
  return readFileSync(join(scratch.home, "daemon.log"), "utf8").split(PUSH).length;
}

test("any process killed at any moment of a push: the workspace holds the old tree or the new one", async (t) => {
  const rounds = roundsOr(3);
  let current = "old";
  const startedMs = performance.now();
  await scratch.json<ResultOf<"task.sync.push">>("task", "sync", "push", task, trees["newer"]!);
  const wholeMs = performance.now() - startedMs;
  current = await findTree();
  assert.equal(current, "newer");
  let switched = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const next: string = current === "old" ? "newer" : "old";
    const victim = round % 2 === 0 ? "client" : "daemon";
    const daemon = await scratch.daemonPid();
    const [askedBefore, endedBefore] = [pushesAsked(), pushesEnded()];
    const child = scratch.start(["task", "sync", "push", task, trees[next]!]);
    const ended = endOf(child);
    await until("the daemon has the request", () => pushesAsked() > askedBefore);
    // Half of them near the end, where the switch is.
    const momentMs = wholeMs * (round % 4 < 2 ? random() : 0.75 + random() / 3);
    await Promise.race([ended, sleep(momentMs)]);
    kill(victim === "client" ? child.pid! : daemon);
    const { status } = await ended;
    const label = `round ${round}: ${victim} killed after ${Math.round(momentMs)} of ${Math.round(wholeMs)} ms`;
    // The daemon may finish or drop the push of a client that is gone; then it logs that.
    if (victim === "client") {
      await until(`${label}: the daemon is done with it`, () => pushesEnded() > endedBefore, PUSH_END_SECONDS);
    }
    const found = await findTree();
    if (status === 0) assert.equal(found, next, `${label}: the client was told that it is in`);
    if (found !== current) switched += 1;
    assert.equal(await lastPush(), trees[found], `${label}: status tells of another tree`);
    current = found;
  }
  assert.equal(await say(`find . -type f -exec cat {} + | sed 's/${current}/\\n/g' | grep -c .`), "0\n");
  t.diagnostic(`${switched} of ${rounds} pushes were switched in; a whole one takes ${Math.round(wholeMs)} ms`);
});

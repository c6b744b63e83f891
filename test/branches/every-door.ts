import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { endOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { doors } from "../parity/doors.js";

const HANGS = "echo hangs; sleep 1000";
const CRASHES = "sync; echo o >/proc/sysrq-trigger; sleep 60";
const FAILS = "echo wrong >answer";
const PASSES = "echo right >answer";
const TIMEOUT_SECONDS = 15;

interface Tried {
  readonly outcome: string;
  readonly exit_code: number | null;
  readonly check_exit_code: number | null;
  readonly error: { readonly code: string } | null;
  readonly changed: readonly { readonly path: string }[];
}

/** Four variants in one call from each door: one hangs, one ends its VM, one fails its check. The right one is kept, and nothing is left. */
export async function tryFromEveryDoor(scratch: TaskScratch, say: (line: string) => void): Promise<void> {
  const place = { home: scratch.home, env: { ...process.env, ...scratch.env } };
  for (const open of doors) {
    await using door = open(place);
    const task = await scratch.create();
    const started = performance.now();
    const answer = await door.call({
      operation: "task.try",
      input: {
        task_id: task,
        variants: [HANGS, CRASHES, FAILS, PASSES],
        ...{ check: "grep right answer", keep: "first-passing", timeout_seconds: TIMEOUT_SECONDS },
      },
    });
    assert.ok("result" in answer, `${door.name}: ${JSON.stringify(answer)}`);
    const { variants, kept, keep_error } = answer.result as { variants: Tried[]; kept: unknown; keep_error: unknown };
    assert.deepEqual(
      variants.map(({ outcome, exit_code, check_exit_code, error }) => [
        outcome,
        exit_code,
        check_exit_code,
        error?.code,
      ]),
      [
        ["timed_out", 124, null, undefined],
        ["error", null, null, "VM_DIED"],
        ["failed", 0, 1, undefined],
        ["passed", 0, 0, undefined],
      ],
      door.name,
    );
    assert.deepEqual([kept, keep_error], ["4", null], door.name);
    assert.deepEqual(
      variants[3]?.changed.map(({ path }) => path),
      ["answer"],
      door.name,
    );
    assert.equal((await scratch.execHere(task, "cat answer", {}, 60)).stdout, "right\n", door.name);
    await assertOnly(scratch, task);
    await scratch.delete(task);
    say(`try from ${door.name}: variant 4 of 4 was kept after ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  }
}

/** A try that is interrupted in the middle leaves its task as it was, and nothing else. */
export async function interruptATry(scratch: TaskScratch, say: (line: string) => void): Promise<void> {
  const task = await scratch.create();
  await scratch.execHere(task, "echo kept >answer");
  const words = ["task", "try", task, "--variant", HANGS, "--variant", PASSES, "--check", HANGS];
  const client = scratch.start([...words, "--keep", "first-passing"]);
  const ended = endOf(client);
  await until("the forks run", async () => (await scratch.client.call("task.list", {})).tasks.length === 3);
  client.kill("SIGINT");
  const { status } = await ended;
  assert.notEqual(status, 0);
  await until("no fork is left", async () => (await scratch.client.call("task.list", {})).tasks.length === 1);
  await assertOnly(scratch, task);
  assert.equal((await scratch.execHere(task, "cat answer", {}, 60)).stdout, "kept\n");
  await scratch.delete(task);
  say(`try, interrupted: exit ${status}, nothing is left`);
}

/** A VM that the host has stopped: changes of its task end soon with an error, and it runs on when the host lets it. */
export async function freezeAVm(scratch: TaskScratch, say: (line: string) => void): Promise<void> {
  const task = await scratch.create();
  await scratch.execHere(task, "echo kept >answer");
  const qemu = scratch.qemuOf(task);
  const started = performance.now();
  process.kill(qemu, "SIGSTOP");
  try {
    for (const [name, words] of [
      ["a snapshot", ["task", "snapshot", "create", task]],
      ["a fork", ["task", "fork", task]],
      ["a stop", ["task", "stop", task]],
      ["a try", ["task", "try", task, "--variant", "true"]],
    ] as const) {
      const { code, details } = await scratch.failure(...words);
      assert.deepEqual([code, details["reason"]], ["RESOURCE_EXHAUSTED", "not_answering"], name);
    }
  } finally {
    process.kill(qemu, "SIGCONT");
  }
  const seconds = (performance.now() - started) / 1_000;
  assert.equal((await scratch.execHere(task, "cat answer", {}, 60)).stdout, "kept\n");
  process.kill(qemu, "SIGSTOP");
  assert.equal((await scratch.client.call("task.reset", { task_id: task, to: "seed", force: true })).state, "started");
  await assertOnly(scratch, task);
  await scratch.delete(task);
  say(`a stopped QEMU: 4 changes refused in ${seconds.toFixed(0)} s, a forced reset works`);
}

async function assertOnly({ client, home }: TaskScratch, task: string): Promise<void> {
  const { tasks } = await client.call("task.list", {});
  assert.deepEqual(
    tasks.map(({ task_id }) => task_id),
    [task],
  );
  await until("no snapshot is left", () => readdirSync(join(home, "snapshots")).length === 0);
  assert.deepEqual(readdirSync(join(home, "vms")), [task.replace("task-", "vm-")]);
}

import assert from "node:assert/strict";

import { PyroError } from "../../src/contract/errors.js";
import { until } from "../client/scratch.js";
import type { Entry, TaskScratch } from "../faults/task-scratch.js";

/** A guest that does harm, and what its own task must say about it. */
export interface Attack {
  readonly name: string;
  /** Runs in the guest for at most this long. */
  readonly script: string;
  readonly seconds: number;
  /** Checks the entry of its command; null when the call failed. */
  readonly expect: (scene: AttackScene) => void | Promise<void>;
  /** Its VM writes to the host's disk, or ends: not every place wants it. */
  readonly isCostly?: boolean;
}

interface AttackScene {
  readonly scratch: TaskScratch;
  readonly task: string;
  readonly entry: Entry | PyroError;
}

const entryOf = ({ entry }: AttackScene): Entry => {
  assert.ok(!(entry instanceof PyroError), `the command failed: ${String(entry)}`);
  return entry;
};

async function answers({ scratch, task }: AttackScene): Promise<void> {
  const { stdout } = await scratch.execHere(task, "echo still here", {}, 120);
  assert.equal(stdout, "still here\n");
}

/** The VM has ended, and its task says so. */
async function hasEnded({ scratch, task }: AttackScene): Promise<void> {
  await until("the task says that its VM has ended", async () => (await scratch.status(task)).state === "failed");
}

export const attacks: readonly Attack[] = [
  {
    name: "fork bomb",
    script: "bomb() { bomb | bomb & }; bomb; sleep 60",
    seconds: 5,
    // Its processes multiply faster than they are killed, so its own task may no longer answer.
    expect: (scene) => assert.equal(entryOf(scene).timed_out, true),
  },
  {
    name: "memory hog",
    script: "tail /dev/zero",
    seconds: 60,
    expect: async (scene) => {
      assert.equal(entryOf(scene).oom_killed, true);
      await answers(scene);
    },
  },
  {
    name: "full disk",
    script: "dd if=/dev/zero of=/workspace/filler bs=1M; status=$?; rm /workspace/filler; exit $status",
    seconds: 120,
    isCostly: true,
    expect: async (scene) => {
      const { exit_code, stderr } = entryOf(scene);
      assert.equal(exit_code, 1);
      assert.match(stderr ?? "", /No space left on device/);
      await answers(scene);
    },
  },
  {
    name: "output flood",
    script: "yes",
    seconds: 4,
    expect: async (scene) => {
      const { timed_out, stdout_truncated } = entryOf(scene);
      assert.deepEqual([timed_out, stdout_truncated], [true, true]);
      await answers(scene);
    },
  },
  {
    name: "kill -9 -1",
    script: "kill -9 -1; echo survived; sleep 3",
    seconds: 30,
    expect: answers,
  },
  {
    name: "clock games",
    script: "date -s 2100-01-01 && sleep 1 && date -s 1970-01-02 && sleep 1 && date -s 2030-01-01",
    seconds: 30,
    expect: async (scene) => {
      const { duration_ms, timed_out } = entryOf(scene);
      assert.ok(duration_ms! >= 2_000 && duration_ms! < 30_000, `it took ${duration_ms} ms`);
      assert.equal(timed_out, false);
      await answers(scene);
    },
  },
  { name: "sysrq", script: "echo c >/proc/sysrq-trigger; sleep 20", seconds: 30, expect: hasEnded },
  { name: "poweroff", script: "echo o >/proc/sysrq-trigger; sleep 20", seconds: 30, expect: hasEnded },
];

/** Runs an attack in a task to its end, and checks what the task says. */
export async function attack(scratch: TaskScratch, task: string, { script, seconds, expect }: Attack): Promise<void> {
  const entry = await scratch.execHere(task, script, {}, seconds).catch(PyroError.from);
  await expect({ scratch, task, entry });
}

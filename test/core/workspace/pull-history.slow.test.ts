import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { Client } from "../../../src/client/client.js";
import { performOperation } from "../../../src/client/perform.js";
import { PyroError } from "../../../src/contract/errors.js";
import { type Node, readTree } from "../../client/pull/guest.js";
import { fc } from "../../property.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";
import { histories, type Leaf, type Leaves, Model, type Outcome, type Step } from "./pull-history.js";

/** Runs more cases, for a long search. */
const runs = Number(process.env["PYRO_TEST_RUNS"] ?? 15);

test("after any history of edits, pushes, pulls and undos, host, workspace and changes equal those of a model", async (t) => {
  await using machines = new AgentMachines();
  const { daemon } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const client = new Client(daemon.env);
  const outcomes: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const host = join(daemon.directory, "host");
      mkdirSync(host);
      const { task_id } = await performOperation(client, "task.create", {
        environment: "debian:12",
        source_path: host,
      });
      const sides = { host, guest: machines.workspaces.at(-1) ?? "" };
      const model = new Model();
      try {
        for (const step of history) {
          const { outcome, hasWritten = false } = await perform(client, { task_id, ...sides }, step);
          const expected = expect(model, step, hasWritten);
          assert.equal(outcome, expected, JSON.stringify(step));
          outcomes[`${step.act} ${expected}`] = (outcomes[`${step.act} ${expected}`] ?? 0) + 1;
          for (const side of ["host", "guest"] as const) {
            assert.deepEqual(leavesOf(sides[side]), sortedLeaves(model[side]), `${side} after ${JSON.stringify(step)}`);
          }
          assert.deepEqual(await changedOf(client, task_id), model.changed.toSorted(), JSON.stringify(step));
        }
      } finally {
        await client.call("task.delete", { task_id });
        rmSync(host, { recursive: true });
      }
    }),
    { numRuns: runs, endOnFailure: true, includeErrorInReport: true },
  );
  t.diagnostic(JSON.stringify(outcomes));
});

function expect(model: Model, step: Step, hasWritten: boolean): Outcome {
  if (step.act === "undo") return model.undo();
  if (step.act === "pull") return model.pull(step, hasWritten);
  if (step.act === "push") model.push(step.delete);
  else model.edit(step.act, step.path, step.leaf);
  return "done";
}

async function perform(
  client: Client,
  { task_id, ...sides }: { task_id: string; host: string; guest: string },
  step: Step,
): Promise<{ outcome: string; hasWritten?: boolean }> {
  try {
    if (step.act === "push") {
      await performOperation(client, "task.sync.push", { task_id, source_path: sides.host, delete: step.delete });
    } else if (step.act === "pull") {
      const input = { task_id, delete: step.delete, on_conflict: step.onConflict };
      const { conflicts, changes } = await performOperation(client, "task.sync.pull", input);
      return { outcome: conflicts.length > 0 ? "conflict" : "done", hasWritten: changes.length > 0 };
    } else if (step.act === "undo") await performOperation(client, "task.sync.undo", { task_id });
    else put(join(sides[step.act], step.path), step.leaf);
    return { outcome: "done" };
  } catch (error) {
    if (error instanceof PyroError) return { outcome: error.code };
    throw error;
  }
}

function put(path: string, leaf: Leaf | null): void {
  rmSync(path, { force: true });
  if (leaf === null) return;
  mkdirSync(dirname(path), { recursive: true });
  if ("target" in leaf) return symlinkSync(leaf.target, path);
  writeFileSync(path, leaf.text);
  chmodSync(path, leaf.mode);
}

function leavesOf(root: string): [string, Node][] {
  // The agent may still be removing staged files.
  return [...readTree(root, "", [".pyro-staging"])].filter(([, { type }]) => type !== "directory").sort();
}

function sortedLeaves(leaves: Leaves): [string, Node][] {
  const nodes = Array.from(leaves, ([path, leaf]): [string, Node] => [
    path,
    "target" in leaf ? { type: "link", ...leaf } : { type: "file", ...leaf },
  ]);
  return nodes.sort();
}

async function changedOf(client: Client, task_id: string): Promise<string[]> {
  const { changes } = await client.call("task.changes", { task_id });
  const isLeaf = (type: string | undefined) => type !== undefined && type !== "directory";
  return changes
    .filter(({ base, task }) => isLeaf(base?.type) || isLeaf(task?.type))
    .map(({ path }) => path)
    .toSorted();
}

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import pino from "pino";

import { PyroError } from "../../../src/contract/errors.js";
import { Registry } from "../../../src/core/lifecycle/registry.js";
import { temporaryDirectory } from "../../store/scratch.js";

/** A registry of items that are expired or not, with what was removed and which machines were ended. */
function openRegistry(t: TestContext) {
  const [removed, filesRemoved, machinesEnded]: [string[], string[], string[]] = [[], [], []];
  const registry = new Registry<{ isExpired: boolean }>({
    noun: "Task",
    machines: { endLost: async (id) => void machinesEnded.push(id) },
    log: pino({ level: "silent" }),
    machineIdOf: (id) => id.replace("task", "vm"),
    missing: (id) => new PyroError("NOT_FOUND", `There is no task ${id}.`),
    unreadableHint: () => "Delete it.",
    hasExpired: ({ isExpired }) => isExpired,
    remove: async (id) => {
      registry.forget(id);
      removed.push(id);
    },
    removeFiles: async (id) => void filesRemoved.push(id),
  });
  t.after(() => registry.close());
  return { registry, removed, filesRemoved, machinesEnded };
}

test("reaping removes expired items and returns their ids", async (t) => {
  const { registry, removed } = openRegistry(t);
  registry.add("task-1", { isExpired: true });
  registry.add("task-2", { isExpired: false });
  assert.deepEqual(await registry.reapExpired(), ["task-1"]);
  assert.deepEqual([removed, registry.all.length], [["task-1"], 1]);
});

test("an unreadable task is refused with FAILED_PRECONDITION; deleting it removes its files and its machine", async (t) => {
  const { registry, filesRemoved, machinesEnded } = openRegistry(t);
  await registry.addUnreadable("task-3", "its record is damaged", temporaryDirectory(t));
  assert.throws(() => registry.get("task-3"), {
    code: "FAILED_PRECONDITION",
    details: { task_id: "task-3", state: "unreadable", reason: "its record is damaged" },
  });
  await registry.delete("task-3");
  assert.deepEqual([filesRemoved, machinesEnded], [["task-3"], ["vm-3"]]);
  assert.throws(() => registry.get("task-3"), { code: "NOT_FOUND" });
  await assert.rejects(registry.delete("task-3"), { code: "NOT_FOUND" });
});

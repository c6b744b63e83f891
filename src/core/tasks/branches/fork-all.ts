import { PyroError } from "../../../contract/errors.js";
import { taskName } from "../../../contract/task.js";
import type { Call } from "../../call.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { whileUsed } from "../../snapshots/uses.js";
import type { Task } from "../task.js";
import { TaskVm } from "../task-vm.js";
import { branchFromSnapshot, branchFromTask } from "./branch-point.js";
import { type BranchPoint, discardFork, type ForkIdentity, type ForkParts, startFork } from "./fork.js";
import { assertRoomForForks } from "./room.js";

/** Forks that start at once: more would only wait for each other. */
const AT_ONCE = 4;

/** The names of forks: a single fork gets the requested name, several get it with a number. Throws INVALID_ARGUMENT. */
export function forkNames(name: string | undefined, count: number): (string | null)[] {
  if (name === undefined) return Array.from({ length: count }, () => null);
  if (count === 1) return [name];
  const names = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
  const last = names.at(-1);
  if (taskName.safeParse(last).success) return names;
  throw new PyroError("INVALID_ARGUMENT", `The name of a fork would be too long: ${last}.`, {
    hint: "Give a shorter name.",
    details: { name, count },
  });
}

/** Starts a fork for each name: all of them, or none. Throws RESOURCE_EXHAUSTED when the host cannot hold them. */
export async function forkAll(
  parts: ForkParts,
  source: TaskVm | Snapshot,
  names: readonly (string | null)[],
  call: Call,
): Promise<Task[]> {
  const start = async (point: BranchPoint) => {
    await assertRoomForForks(parts.machines, point.parent, names.length);
    return startAll(parts, point, names, call);
  };
  if (!(source instanceof TaskVm)) return whileUsed(source, async () => start(await branchFromSnapshot(source)));
  await parts.machines.assertIsolation(source.record.require_isolation);
  await assertRoomForForks(parts.machines, source.record, names.length);
  return branchFromTask(source, call.signal, start, names.length === 1);
}

async function startAll(
  parts: ForkParts,
  point: BranchPoint,
  names: readonly (string | null)[],
  call: Call,
): Promise<Task[]> {
  const identities: ForkIdentity[] = names.map((name) => ({ name, triedFor: null }));
  const forks: Task[] = [];
  const failures: unknown[] = [];
  const waiting = identities.values();
  const work = async () => {
    for (const identity of waiting) {
      if (failures.length > 0) return;
      await startFork(parts, point, identity, call).then(
        (fork) => forks.push(fork),
        (error: unknown) => failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failures.length === 0) return forks;
  await Promise.allSettled(forks.map((fork) => discardFork(parts, fork)));
  throw failures[0];
}

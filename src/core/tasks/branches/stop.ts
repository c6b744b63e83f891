import type { FoundMachine } from "../../../backend/backend.js";
import type { Call } from "../../call.js";
import { isResumable } from "../moves.js";
import type { TaskVm } from "../task-vm.js";
import { saveSnapshot } from "./snapshot.js";

/** Leaves the VM paused. Once the record is written it must not run again: a start would lose what it did. */
async function putAway(vm: TaskVm, machine: FoundMachine, signal: AbortSignal): Promise<void> {
  const snapshot = await saveSnapshot(vm, machine, { purpose: "stop", name: null, signal, resumes: false });
  const { snapshot_id: snapshotId } = snapshot.record;
  try {
    await vm.change({ state: "stopped", reason: null, machine: null, resumes_from: snapshotId });
  } catch (error) {
    await vm.parts.snapshots.delete(snapshotId).catch(() => {});
    throw error;
  }
}

/** Stops a task: makes a snapshot of its VM and ends the VM. A stopped task stays unchanged. */
export async function stopTask(vm: TaskVm, { signal }: Pick<Call, "signal">): Promise<void> {
  await vm.changes.take(signal, async () => {
    if (isResumable(vm.record)) return;
    await vm.standStill("stop", signal, async (machine) => {
      await putAway(vm, machine, signal).catch((error: unknown) => {
        // Not awaited: a paused VM does not answer.
        machine.proceed().catch(() => {});
        throw error;
      });
      vm.content.services.suspend();
      for (const exec of vm.content.execs.running) exec.suspend();
      await vm.leave();
    });
  });
}

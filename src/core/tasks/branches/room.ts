import type { VmShape } from "../../../backend/backend.js";
import { PyroError } from "../../../contract/errors.js";
import type { TaskRecord } from "../../../store/task-record.js";
import type { LastingMachines } from "../../machines/lasting.js";

/** Throws RESOURCE_EXHAUSTED when there is no room for this many more VMs. The error has the number that fits. */
export async function assertRoomForForks(
  machines: Pick<LastingMachines, "countRoom">,
  record: TaskRecord,
  count: number,
): Promise<void> {
  const { room, neededMib } = await machines.countRoom(record.execution_mode, shapeOfRecord(record), count);
  if (count <= room) return;
  throw new PyroError(
    "RESOURCE_EXHAUSTED",
    `There is room for ${room} more VMs of ${record.mem_mib} MiB, not ${count}.`,
    {
      hint: "Ask for fewer, or stop or delete tasks.",
      details: { count, possible: room, needed_mib: neededMib },
    },
  );
}

export function shapeOfRecord({ vcpu_count, mem_mib, disk_mib, network }: TaskRecord): VmShape {
  return { vcpuCount: vcpu_count, memMib: mem_mib, diskMib: disk_mib, network };
}

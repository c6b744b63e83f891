import type { ResultOf } from "../../contract/operations.js";
import { renderShort } from "./size.js";
import { renderAge, renderTable, renderTasks } from "./task.js";

type Snapshot = ResultOf<"task.snapshot.create">;

export function renderForks({ tasks }: ResultOf<"task.fork">): string {
  return renderTasks(tasks, Date.now());
}

/** One snapshot, one line per fact. */
export function renderSnapshot(snapshot: Snapshot): string {
  const { snapshot_id, name, task_id, parent, created_at, memory_bytes, disk_bytes, running_commands } = snapshot;
  const lines = [
    `Snapshot: ${snapshot_id}`,
    ...(name === null ? [] : [`Name: ${name}`]),
    `Task: ${task_id}`,
    `Parent: ${parent ?? "none"}`,
    `Created: ${created_at}`,
    `Size: ${renderShort(memory_bytes)} memory, ${renderShort(disk_bytes)} disk`,
    `Running commands: ${running_commands}`,
  ];
  return `${lines.join("\n")}\n`;
}

export function renderSnapshots({ snapshots, unreadable }: ResultOf<"task.snapshot.list">): string {
  const damaged = unreadable.map(({ snapshot_id, reason }) => `${snapshot_id} cannot be read: ${reason}\n`).join("");
  if (snapshots.length === 0) return `There are no ${damaged === "" ? "" : "other "}snapshots.\n${damaged}`;
  const rows = snapshots.map(
    ({ snapshot_id, name, task_id, parent, created_at, automatic, memory_bytes, disk_bytes }) => [
      ...[
        snapshot_id,
        name ?? (automatic ? "(automatic)" : "-"),
        task_id,
        parent ?? "-",
        renderAge(created_at, Date.now()),
      ],
      ...[renderShort(memory_bytes), renderShort(disk_bytes)],
    ],
  );
  return renderTable([["SNAPSHOT", "NAME", "TASK", "PARENT", "AGE", "MEM", "DISK"], ...rows]) + damaged;
}

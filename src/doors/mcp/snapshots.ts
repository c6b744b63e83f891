type Fields = Readonly<Record<string, unknown>>;

/** Snapshots, one a line, or the one that was deleted, for a model. */
export function renderSnapshots({ snapshots, deleted }: Fields): string {
  if (deleted !== undefined) return `Deleted ${String(deleted)}.`;
  const all = snapshots as Fields[];
  return all.length === 0 ? "There are no snapshots." : all.map(renderSnapshot).join("\n");
}

function renderSnapshot(snapshot: Fields): string {
  const { snapshot_id, name, task_id, created_at, automatic, running_commands, needed_by } = snapshot;
  const bytes = Number(snapshot["memory_bytes"]) + Number(snapshot["disk_bytes"]);
  const stopped = needed_by as string[];
  const facts = [
    `${Math.ceil(bytes / 1_048_576)} MiB`,
    ...(name === null ? [] : [`name ${String(name)}`]),
    ...(automatic === true ? ["automatic: the next one replaces it"] : []),
    ...(running_commands === 0 ? [] : [`${String(running_commands)} running commands`]),
    ...(stopped.length === 0 ? [] : [`needed by ${stopped.join(", ")}`]),
  ];
  return `${String(snapshot_id)} of ${String(task_id)} at ${String(created_at)}: ${facts.join(", ")}`;
}

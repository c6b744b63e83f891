/** A task's machine has the task's number, so its owner is known even when the record is lost. */
export function machineIdOf(taskId: string): string {
  return taskId.replace(/^task-/, "vm-");
}

/** The id of the task that a new machine is for. */
export function taskIdOf(machineId: string): string {
  return machineId.replace(/^vm-/, "task-");
}

/** A task's machine has the task's number, so its owner is known even when the record is lost. */
export function machineIdOf(taskId: string): string {
  return taskId.replace(/^task-/, "vm-");
}

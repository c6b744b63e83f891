/** A task's machine has the task's number, so that its owner is known whatever else is lost. */
export function machineIdOf(taskId: string): string {
  return taskId.replace(/^task-/, "vm-");
}

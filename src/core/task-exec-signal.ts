import type { Handler } from "./core.js";

export const taskExecSignal: Handler<"task.exec_signal"> = async (core, { task_id, sequence, signal }) => {
  await core.tasks.get(task_id).find(sequence).signal(signal);
  return { task_id, sequence, signal, sent: true };
};

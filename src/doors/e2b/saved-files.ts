import { PyroError } from "../../contract/errors.js";
import type { Pyro } from "./pyro.js";
import type { SandboxRecord } from "./sandbox-record.js";

/** Prefix of the environments that hold the files of sandboxes which are paused without their memory. */
const PREFIX = "e2b-paused-";

/** Saves the files of a sandbox, without its memory. Returns the name of the environment. */
export async function saveFiles(pyro: Pyro, { id, taskId, bootedFrom }: SandboxRecord): Promise<string> {
  // The files from which its task has booted are in use until then.
  const [first, second] = [`${PREFIX}${id}`, `${PREFIX}${id}-2`];
  const name = bootedFrom === first ? second : first;
  // Of a pause that was cut short.
  await removeFiles(pyro, name);
  await pyro.perform("env.save", { source: taskId, name, disk_only: true });
  return name;
}

/** Removes saved files; files that are gone are fine. */
export async function removeFiles(pyro: Pyro, name: string): Promise<void> {
  await unlessMissing(pyro.perform("env.remove", { environment: name }));
}

/** Removes a task; one that is gone is fine. */
export async function deleteTask(pyro: Pyro, taskId: string): Promise<void> {
  await unlessMissing(pyro.perform("task.delete", { task_id: taskId }));
}

async function unlessMissing(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code } = PyroError.from(error);
    if (code !== "NOT_FOUND" && code !== "ENVIRONMENT_UNKNOWN") throw error;
  }
}

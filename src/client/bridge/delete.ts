import { PyroError } from "../../contract/errors.js";
import { NAME_LABEL } from "../kubernetes/pod-spec.js";
import type { Pods } from "../kubernetes/pods.js";
import { stateOf } from "../kubernetes/pod-state.js";
import { noPod, type Daemons } from "./daemons.js";
import type { BridgePorts } from "./ports.js";
import { readTasks, type Task } from "./recorded.js";

/** The parts of a bridge that the deletion of tasks needs. */
export interface DeleteTools {
  readonly pods: Pods;
  readonly daemons: Daemons;
  readonly ports: BridgePorts;
}

/** Deletes a task; with the last one its pod. A task whose pod has ended is deleted with the pod. Returns the result of `task.delete`. */
export async function deleteTask(
  tools: DeleteTools,
  pod: string,
  given: string,
  signal: AbortSignal,
): Promise<{ readonly task_id: string; readonly deleted: true }> {
  const { pods, daemons, ports } = tools;
  try {
    const { task_id } = (await daemons.ask(pod, "task.delete", { task_id: given })) as Task;
    await forgetTask(tools, pod, task_id);
    return { task_id, deleted: true };
  } catch (error) {
    const found = await pods.find(pod);
    const claim = await pods.findClaim(pod);
    const holder = found ?? claim;
    if (holder === null) ports.forget(given);
    if (holder === null) throw noPod(pod);
    const tasks = readTasks(holder);
    const task = tasks.find(({ task_id, name }) => given === task_id || given === name);
    // The daemon does not know a recorded task: it has deleted it, and the answer was lost.
    const isDeleted = task !== undefined && PyroError.from(error).code === "NOT_FOUND";
    const state = found === null ? "ended" : stateOf(found).is;
    if (task === undefined || (state !== "ended" && !(isDeleted && state === "ready"))) throw error;
    const { task_id } = task;
    if (state === "ready") await forgetTask(tools, pod, task_id);
    else if (claim !== null && tasks.length > 1) {
      // The volume has the other tasks' files as well: its daemon removes those of one task.
      if (await pods.revive(pod, signal, () => {})) return deleteTask(tools, pod, given, signal);
      throw error;
    } else await forgetRecord(tools, pod, task_id);
    return { task_id, deleted: true };
  }
}

/** Removes the pod of a deleted task, or only its record while the pod has other tasks. */
async function forgetTask(tools: DeleteTools, pod: string, taskId: string): Promise<void> {
  const asked = tools.daemons.ask(pod, "task.list", {}) as Promise<{ readonly tasks: readonly Task[] }>;
  // The task is deleted, also when its daemon cannot be asked for others. A daemon without tasks ends by itself, and its pod with it.
  const left = await asked.then(
    ({ tasks }) => tasks.length,
    () => null,
  );
  if (left !== 0) return forgetRecord(tools, pod, taskId);
  tools.ports.forget(taskId);
  await tools.pods.remove(pod);
}

/** Removes the record of a deleted task and frees its name; removes its pod instead when that has ended and has no record of another task. */
async function forgetRecord({ pods, ports }: DeleteTools, pod: string, taskId: string): Promise<void> {
  ports.forget(taskId);
  const found = await pods.find(pod);
  const holder = found ?? (await pods.findClaim(pod));
  const recorded = holder === null ? [] : readTasks(holder);
  const hasEnded = found === null || stateOf(found).is === "ended";
  if (hasEnded && recorded.every(({ task_id }) => task_id === taskId)) return pods.remove(pod);
  const name = recorded.find(({ task_id }) => task_id === taskId)?.name ?? undefined;
  // The name of a fork is not a label of a pod.
  await pods.forget(pod, taskId, name !== undefined && holder?.metadata.labels?.[NAME_LABEL] === name);
}

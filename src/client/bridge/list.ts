import { hasLabels } from "../../contract/has-labels.js";
import type { ResultOf } from "../../contract/operations.js";
import { TASKS } from "../kubernetes/pod-spec.js";
import type { Pods } from "../kubernetes/pods.js";
import { stateOf, type Pod } from "../kubernetes/pod-state.js";
import { MAKING_MS } from "../kubernetes/sweep.js";
import type { Daemons } from "./daemons.js";
import { asFailed, explainClaim, readTasks, type Task } from "./recorded.js";

type Snapshot = ResultOf<"task.snapshot.list">["snapshots"][number];

/** How many daemons are asked at the same time. */
const MAX_ASKED = 16;

/** The tasks of all pods: a running pod's daemon is asked, and of one that has ended the record is read. Removes pods whose tasks have expired. */
export async function listTasks(pods: Pods, daemons: Daemons, labels: unknown): Promise<Task[]> {
  const wanted = Array.isArray(labels) ? labels.map(String) : [];
  const listed = await pods.list(TASKS);
  const found = await askAll(listed, async (pod) => {
    const recorded = readTasks(pod);
    const state = stateOf(pod);
    if (state.is === "ended") return recorded.map((task) => asFailed(task, state.why));
    if (state.is !== "ready") return [];
    try {
      const { tasks } = (await daemons.ask(pod.metadata.name, "task.list", {})) as { readonly tasks: Task[] };
      // Its tasks have expired, and each list would keep its daemon from ending as idle. A young pod without a record is being made.
      const isLeft = recorded.length > 0 || pods.nowMs - Date.parse(pod.metadata.creationTimestamp) > MAKING_MS;
      if (tasks.length === 0 && isLeft) await pods.remove(pod.metadata.name).catch(() => {});
      return tasks;
    } catch (error) {
      const why = `Its daemon does not answer: ${(error as Error).message}`;
      return recorded.map((task) => ({ ...task, state_reason: why }));
    }
  });
  const names = new Set(listed.map(({ metadata }) => metadata.name));
  const left = (await pods.listClaims()).filter(({ metadata }) => !names.has(metadata.name));
  const lost = left.flatMap((claim) => readTasks(claim).map((task) => asFailed(task, explainClaim(claim))));
  const tasks = [...found.flat(), ...lost].filter((task) => hasLabels(task.labels, wanted));
  return tasks.toSorted((one, other) => (one.created_at < other.created_at ? -1 : 1));
}

/** The snapshots of all tasks that can be asked. */
export async function listSnapshots(pods: Pods, daemons: Daemons): Promise<Snapshot[]> {
  const found = await askAll(await pods.list(TASKS), async (pod) => {
    if (stateOf(pod).is !== "ready") return [];
    const asked = daemons.ask(pod.metadata.name, "task.snapshot.list", {});
    return ((await asked.catch(() => ({ snapshots: [] }))) as { readonly snapshots: Snapshot[] }).snapshots;
  });
  return found.flat();
}

/** Does the work for all pods, some at the same time, and keeps their order. */
async function askAll<Value>(pods: readonly Pod[], work: (pod: Pod) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = [];
  let next = 0;
  const workOn = async () => {
    for (let at = next++; at < pods.length; at = next++) values[at] = await work(pods[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(MAX_ASKED, pods.length) }, workOn));
  return values;
}

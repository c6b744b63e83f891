import { isExpired } from "./claims.js";
import { POOL_LABEL, RECORD_PREFIX } from "./pod-spec.js";
import type { Pod } from "./pod-state.js";
import type { Pods } from "./pods.js";

/** After this time a pod without a task is left over: no start of a pod and no creation of a task takes longer. */
export const MAKING_MS = 3_600_000;
/** A failed task is listed for this long. */
const FAILED_MS = 86_400_000;

interface Holder {
  readonly metadata: {
    readonly creationTimestamp: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/**
 * Removes pods that have ended, except those of tasks that failed not long ago, and pods that have not started long after their client
 * has given up; and claims without a pod whose time is over, or whose task was never created.
 */
export async function sweep(pods: Pods, laterMs = 0): Promise<void> {
  const now = pods.nowMs + laterMs;
  for (const pod of await pods.list("", "status.phase!=Running")) {
    const { name } = pod.metadata;
    // The claim of a task that has failed is kept longer than its pod.
    if (pod.status?.["phase"] === "Succeeded") await pods.remove(name);
    else if (isLeft(pod, now)) await pods.removePod(name);
  }
  for (const claim of await pods.listClaims()) {
    const { name } = claim.metadata;
    const isOver = isExpired(claim, now) || (!hasRecord(claim) && ageOf(claim, now) >= MAKING_MS);
    if (isOver && (await pods.find(name)) === null) await pods.remove(name);
  }
}

/** Whether a pod that does not run is of no use. A Deployment would make a pod of a pool again. */
function isLeft(pod: Pod, nowMs: number): boolean {
  const age = ageOf(pod, nowMs);
  const phase = pod.status?.["phase"];
  if (phase === "Failed") return !hasRecord(pod) || age >= FAILED_MS;
  return phase === "Pending" && pod.metadata.labels?.[POOL_LABEL] === undefined && age >= MAKING_MS;
}

function ageOf({ metadata }: Holder, nowMs: number): number {
  return nowMs - Date.parse(metadata.creationTimestamp);
}

function hasRecord({ metadata }: Holder): boolean {
  return Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith(RECORD_PREFIX));
}

import { PyroError } from "../../contract/errors.js";
import type { KubernetesContext } from "../contexts/context.js";
import type { Cluster } from "./cluster.js";
import type { KubeRequest } from "./failure.js";
import {
  CONTAINER,
  fieldsOf,
  KIND_LABEL,
  listOf,
  needsOf,
  OURS,
  parseCpus,
  parseMib,
  POOL_LABEL,
  type PodWish,
} from "./pod-spec.js";
import { isReady, stateOf, type Pod } from "./pod-state.js";

/** The size of a VM, and how long its pod may live. */
type PoolWish = Pick<PodWish, "deadlineSeconds" | "diskMib" | "memMib" | "vcpuCount">;

/**
 * Takes a pod out of the context's pool: one that runs, with the context's image and room for the VM. Null when there is none. The pool's
 * Deployment replaces it. Its life is limited from here on, so that it ends without its client too.
 */
export async function takeReady(
  cluster: Cluster,
  { pool, namespace, image }: KubernetesContext,
  wish: PoolWish,
): Promise<string | null> {
  if (pool === null) return null;
  const request = (verb: KubeRequest["verb"], rest: Partial<KubeRequest>): KubeRequest => ({
    ...{ verb, resource: "pods", namespace },
    ...rest,
  });
  const query = { labelSelector: `${OURS},${POOL_LABEL}=${pool}` };
  const { items } = await cluster.call<{ readonly items: readonly Pod[] }>(request("list", { query }));
  for (const pod of items.filter((each) => isFit(each, image, wish))) {
    const { name, resourceVersion } = pod.metadata;
    const labels = { [POOL_LABEL]: null, [KIND_LABEL]: "run" };
    const activeDeadlineSeconds = secondsSince(pod, cluster.nowMs) + (wish.deadlineSeconds ?? 0);
    // With the version, only one of several clients succeeds.
    const body = { metadata: { resourceVersion, labels }, spec: { activeDeadlineSeconds } };
    try {
      await cluster.call(request("patch", { name, body }));
      return name;
    } catch (error) {
      if (!(error instanceof PyroError) || !["ALREADY_EXISTS", "NOT_FOUND"].includes(error.code)) throw error;
    }
  }
  return null;
}

/** Whether a pod of the pool runs, with this image and room for a VM. Pure. */
export function isFit(pod: Pod, image: string, wish: PoolWish): boolean {
  const container = listOf(pod.spec?.["containers"]).find(({ name }) => name === CONTAINER) ?? {};
  const limits = fieldsOf(fieldsOf(container["resources"])["limits"]);
  const { memoryMib, diskMib } = needsOf(wish);
  const hasRoom =
    (parseMib(limits["memory"]) ?? Infinity) >= memoryMib &&
    (parseMib(limits["ephemeral-storage"]) ?? Infinity) >= diskMib &&
    (parseCpus(limits["cpu"]) ?? Infinity) >= wish.vcpuCount;
  return hasRoom && container["image"] === image && stateOf(pod).is === "ready" && isReady(pod);
}

/** Kubernetes counts a pod's life from its start. */
function secondsSince({ status, metadata }: Pod, nowMs: number): number {
  const started = Date.parse(String(fieldsOf(status)["startTime"] ?? metadata.creationTimestamp));
  return Math.max(0, Math.ceil((nowMs - started) / 1_000));
}

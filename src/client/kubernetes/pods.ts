import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import type { ChannelStream } from "../../host/channel-stream.js";
import { isLabelValue, type KubernetesContext } from "../contexts/context.js";
import { Claims, podIn, type Claim, type ClaimChange } from "./claims.js";
import type { Cluster } from "./cluster.js";
import type { KubeRequest } from "./failure.js";
import { buildPod, CONTAINER, NAME_LABEL, OURS, RECORD_PREFIX, type PodRequest } from "./pod-spec.js";
import { explainPod, isLeaving, stateOf, type Pod } from "./pod-state.js";
import { takeReady } from "./pool.js";

/** How long a pod may take to start: a node may have to pull the image, or to be added. */
const START_MS = 300_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** How often a name is chosen that another pod has. */
const MAX_NAMES = 5;
const FREED = { [NAME_LABEL]: null };

interface PodList {
  readonly items: readonly Pod[];
}

/** The pods of one context. */
export class Pods {
  readonly #cluster: Cluster;
  readonly #context: KubernetesContext;
  readonly #version: string;
  readonly #claims: Claims | null;

  constructor(cluster: Cluster, context: KubernetesContext, version: string) {
    this.#cluster = cluster;
    this.#claims = Claims.of(cluster, context);
    this.#context = context;
    this.#version = version;
  }

  /** Creates a pod and returns when its container runs. Throws when it does not start, and then removes it. */
  async start(request: PodRequest, signal: AbortSignal, onWait: (why: string) => void): Promise<string> {
    const name = await this.#create(request);
    try {
      if (request.taskName !== null) await this.#assertOwner(name, request.taskName);
      await this.#waitUntilReady(name, signal, onWait);
      return name;
    } catch (error) {
      await this.remove(name).catch(() => {});
      throw error;
    }
  }

  /**
   * Makes the pod of a claim again, when it has ended or is gone, and returns when its container runs. False without a claim, while the pod
   * runs. Throws FAILED_PRECONDITION while it may still run on a node that is lost.
   */
  async revive(name: string, signal: AbortSignal, onWait: (why: string) => void): Promise<boolean> {
    const claim = (await this.#claims?.find(name)) ?? null;
    if (claim === null) return false;
    const pod = await this.find(name);
    if (pod !== null) {
      const state = stateOf(pod);
      if (state.is === "ready") return false;
      if (state.is === "ended" && isLeaving(pod)) throw mayRun(pod, state.why);
      if (state.is === "ended") await this.removePod(name);
    }
    try {
      await this.#createPod(name, podIn(claim));
      await this.#claims!.renew(claim);
    } catch (error) {
      // Another client is making the same pod.
      if (!(error instanceof PyroError) || error.code !== "ALREADY_EXISTS") throw error;
    }
    try {
      await this.#waitUntilReady(name, signal, onWait);
      return true;
    } catch (error) {
      await this.removePod(name).catch(() => {});
      throw error;
    }
  }

  /** A pod of the context's pool for one command; null when there is none. */
  async takeReady(request: PodRequest): Promise<string | null> {
    return takeReady(this.#cluster, this.#context, request);
  }

  /** A stream to the daemon of a pod. Throws what `explain` says when the pod has ended. */
  async open(name: string): Promise<ChannelStream> {
    const request = this.#request("get", { name, subresource: "exec" });
    const query = ["stdin", "stdout", "stderr"].map((each) => [each, "1"] as const);
    return this.#cluster.openStream(request, "exec", [["container", CONTAINER], ...query, ["command", "pyro-relay"]]);
  }

  /** A connection to a port of a pod's loopback. */
  async openPort(name: string, port: number): Promise<ChannelStream> {
    const request = this.#request("get", { name, subresource: "portforward" });
    return this.#cluster.openStream(request, "port", [["ports", String(port)]]);
  }

  /** Null when there is no such pod. */
  async find(name: string): Promise<Pod | null> {
    return this.#cluster.call<Pod>(this.#request("get", { name })).catch((error: unknown) => {
      if (error instanceof PyroError && error.code === "NOT_FOUND") return null;
      throw error;
    });
  }

  /** The pods of ours that match a further selector. */
  async list(selector = "", fields = ""): Promise<readonly Pod[]> {
    const query = {
      labelSelector: [OURS, ...(selector === "" ? [] : [selector])].join(","),
      ...(fields !== "" && { fieldSelector: fields }),
    };
    return (await this.#cluster.call<PodList>(this.#request("list", { query }))).items;
  }

  /** The time by the server's clock. */
  get nowMs(): number {
    return this.#cluster.nowMs;
  }

  /** The name of the pod of the task with this name; null when there is none. */
  async findNamed(taskName: string): Promise<string | null> {
    if (!isLabelValue(taskName)) return null;
    const selector = `${NAME_LABEL}=${taskName}`;
    return (eldest(await this.list(selector)) ?? eldest(await this.listClaims(selector)))?.metadata.name ?? null;
  }

  /** The claim of a pod; null when there is none. */
  async findClaim(name: string): Promise<Claim | null> {
    return (await this.#claims?.find(name)) ?? null;
  }

  /** The claims of the context's tasks that match a further selector. */
  async listClaims(selector = ""): Promise<readonly Claim[]> {
    return (await this.#claims?.list(selector)) ?? [];
  }

  /** Writes tasks of a pod down: from then on they are listed, even if its node is lost. */
  async record(name: string, tasks: Readonly<Record<string, object>>): Promise<void> {
    const annotations = Object.entries(tasks).map(([id, task]) => [keyOf(id), JSON.stringify(task)]);
    await this.#change(name, { annotations: Object.fromEntries(annotations) });
  }

  /** Forgets one of a pod's tasks, and frees the name in the pod's label. */
  async forget(name: string, taskId: string, freesName: boolean): Promise<void> {
    await this.#change(name, { annotations: { [keyOf(taskId)]: null }, ...(freesName && { labels: FREED }) });
  }

  async #change(name: string, metadata: ClaimChange): Promise<void> {
    await this.#claims?.change(name, metadata).catch(passIfAbsent);
    await this.#cluster.call(this.#request("patch", { name, body: { metadata } }));
  }

  /** Removes a pod at once, also when its node is gone, with its claim. */
  async remove(name: string): Promise<void> {
    await this.removePod(name);
    await this.#claims?.remove(name);
  }

  /** Removes a pod at once, and leaves its claim. */
  async removePod(name: string): Promise<void> {
    const request = this.#request("delete", { name, query: { gracePeriodSeconds: "0" } });
    await this.#cluster.call(request).catch(passIfAbsent);
  }

  async #create(request: PodRequest): Promise<string> {
    if (request.taskName !== null) await this.#assertName(request.taskName);
    for (let tries = 1; ; tries += 1) {
      const name = `pyro-${randomBytes(3).toString("hex")}`;
      try {
        if (hasClaim(request)) await this.#claims?.create(name, request);
        await this.#createPod(name, request).catch(async (error: unknown) => {
          if (hasClaim(request)) await this.#claims?.remove(name).catch(() => {});
          throw error;
        });
        return name;
      } catch (error) {
        const isTaken = error instanceof PyroError && error.code === "ALREADY_EXISTS";
        if (!isTaken || tries === MAX_NAMES) throw error;
      }
    }
  }

  async #createPod(name: string, request: PodRequest): Promise<void> {
    const { image, pod: template } = this.#context;
    const claim = this.#claims !== null && hasClaim(request) ? name : null;
    const body = buildPod({ ...request, name, image, template, claim, version: this.#version });
    await this.#cluster.call(this.#request("create", { body }));
  }

  async #waitUntilReady(name: string, signal: AbortSignal, onWait: (why: string) => void): Promise<void> {
    const end = performance.now() + START_MS;
    let told = "";
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
      const pod = await this.find(name);
      if (pod === null) throw new PyroError("VM_START_FAILED", `The pod ${name} was deleted while it started.`);
      const state = stateOf(pod);
      if (state.is === "ready") return;
      if (state.is !== "waiting" || performance.now() > end) throw explainPod(pod, state, this.#context.image);
      if (state.why !== told) onWait((told = state.why));
      await sleep(pauseMs, undefined, { signal });
    }
  }

  async #assertName(taskName: string): Promise<void> {
    if (!isLabelValue(taskName)) {
      throw new PyroError("INVALID_ARGUMENT", `Kubernetes takes no label with the value ${taskName}.`, {
        hint: "A task's name must end with a letter or a digit here.",
        details: { name: taskName },
      });
    }
    if ((await this.findNamed(taskName)) !== null) throw nameTaken(taskName);
  }

  /** Two clients may choose the same name at the same moment: the elder pod keeps it. */
  async #assertOwner(name: string, taskName: string): Promise<void> {
    const owner = eldest(await this.list(`${NAME_LABEL}=${taskName}`));
    if (owner !== null && owner.metadata.name !== name) throw nameTaken(taskName);
  }

  #request(verb: KubeRequest["verb"], rest: Partial<KubeRequest>): KubeRequest {
    return { verb, resource: "pods", namespace: this.#context.namespace, ...rest };
  }
}

function keyOf(taskId: string): string {
  return `${RECORD_PREFIX}${taskId.slice("task-".length)}`;
}

type Dated = Pick<Claim, "metadata">;

function eldest<Kind extends Dated>(all: readonly Kind[]): Kind | null {
  const ageOf = ({ metadata }: Dated) => `${metadata.creationTimestamp} ${metadata.name}`;
  return all.toSorted((one, other) => (ageOf(one) < ageOf(other) ? -1 : 1))[0] ?? null;
}

function passIfAbsent(error: unknown): void {
  if (!(error instanceof PyroError) || error.code !== "NOT_FOUND") throw error;
}

/** Only tasks have storage that outlives their pod. */
function hasClaim({ kind }: PodRequest): boolean {
  return kind === "task";
}

function mayRun({ metadata, spec }: Pod, why: string): PyroError {
  return new PyroError(
    "FAILED_PRECONDITION",
    `The task's pod ${metadata.name} has failed: ${why}. Its volume is kept.`,
    {
      hint: "Try again when the node is back, or when it has been removed from the cluster (kubectl delete node).",
      details: { pod: metadata.name, node: spec?.nodeName ?? null, reason: "pod_failed" },
    },
  );
}

function nameTaken(name: string): PyroError {
  return new PyroError("ALREADY_EXISTS", `The name ${name} is taken by a task of this namespace.`, {
    hint: "Choose another name, or delete that task.",
    details: { name },
  });
}

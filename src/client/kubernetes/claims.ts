import { PyroError } from "../../contract/errors.js";
import type { KubernetesContext } from "../contexts/context.js";
import type { Cluster } from "./cluster.js";
import type { KubeRequest } from "./failure.js";
import { labelsOf, NAME_LABEL, OURS, type PodRequest } from "./pod-spec.js";

/** A claim as the API server describes it: only the fields that are read here. */
export interface Claim {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

type Values = Readonly<Record<string, string | null>>;

/** Labels and annotations to write; null removes one. */
export interface ClaimChange {
  readonly annotations: Values;
  readonly labels?: Values;
}

const POD_ANNOTATION = "pyro.dev/pod";
/** After this time, in ISO 8601, a claim without a pod is removed; a claim without this annotation stays. */
const EXPIRES_ANNOTATION = "pyro.dev/expires";

/** The storage of a context's tasks: a persistent volume claim of the name of each pod, which outlives the pod. */
export class Claims {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #size: string;
  readonly #storageClass: string | null;

  private constructor(cluster: Cluster, namespace: string, size: string, storageClass: string | null) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#size = size;
    this.#storageClass = storageClass;
  }

  /** Null for a context whose tasks have no storage. */
  static of(cluster: Cluster, { namespace, storage, storageClass }: KubernetesContext): Claims | null {
    return storage === null ? null : new Claims(cluster, namespace, storage, storageClass);
  }

  /** Throws ALREADY_EXISTS when there is one of this name. */
  async create(name: string, pod: PodRequest): Promise<void> {
    const body = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {
        name,
        labels: labelsOf(pod),
        annotations: { [POD_ANNOTATION]: JSON.stringify(pod), ...this.#expiry(pod) },
      },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: this.#size } },
        ...(this.#storageClass !== null && { storageClassName: this.#storageClass }),
      },
    };
    await this.#cluster.call(this.#request("create", { body }));
  }

  /** Null when there is none, or it is being removed. */
  async find(name: string): Promise<Claim | null> {
    const found = await this.#cluster.call<Claim>(this.#request("get", { name })).catch((error: unknown) => {
      if (error instanceof PyroError && error.code === "NOT_FOUND") return null;
      throw error;
    });
    return found?.metadata.deletionTimestamp === undefined ? found : null;
  }

  /** The claims that match a further selector, without those that are being removed. */
  async list(selector = ""): Promise<readonly Claim[]> {
    const query = { labelSelector: [OURS, ...(selector === "" ? [] : [selector])].join(",") };
    const { items } = await this.#cluster.call<{ readonly items: readonly Claim[] }>(this.#request("list", { query }));
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Keeps a claim as long as the new pod may live. */
  async renew({ metadata }: Claim): Promise<void> {
    await this.change(metadata.name, { annotations: this.#expiry(podIn({ metadata })) });
  }

  async change(name: string, metadata: ClaimChange): Promise<void> {
    await this.#cluster.call(this.#request("patch", { name, body: { metadata } }));
  }

  async remove(name: string): Promise<void> {
    await this.#cluster.call(this.#request("delete", { name })).catch((error: unknown) => {
      if (!(error instanceof PyroError) || error.code !== "NOT_FOUND") throw error;
    });
  }

  #expiry({ deadlineSeconds }: PodRequest): Record<string, string> {
    if (deadlineSeconds === null) return {};
    return { [EXPIRES_ANNOTATION]: new Date(this.#cluster.nowMs + deadlineSeconds * 1_000).toISOString() };
  }

  #request(verb: KubeRequest["verb"], rest: Partial<KubeRequest>): KubeRequest {
    return { verb, resource: "persistentvolumeclaims", namespace: this.#namespace, ...rest };
  }
}

/** The pod that a claim was made for. */
export function podIn({ metadata }: Claim): PodRequest {
  const given = JSON.parse(metadata.annotations?.[POD_ANNOTATION] ?? "{}") as Partial<PodRequest>;
  return {
    deadlineSeconds: null,
    diskMib: 10_240,
    kind: "task",
    memMib: 1_024,
    vcpuCount: 1,
    ...given,
    // The task with this name may have been deleted since.
    taskName: metadata.labels?.[NAME_LABEL] ?? null,
  };
}

export function isExpired({ metadata }: Claim, nowMs: number): boolean {
  const expires = metadata.annotations?.[EXPIRES_ANNOTATION];
  return expires !== undefined && Date.parse(expires) < nowMs;
}

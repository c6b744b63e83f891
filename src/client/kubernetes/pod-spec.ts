/** The size of a pod's VM, and how long the pod may live. */
export interface PodWish {
  /** `pyro-` and six hexadecimal digits. */
  readonly name: string;
  readonly kind: PodKind;
  readonly image: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** Seconds until Kubernetes ends it; null for never. */
  readonly deadlineSeconds: number | null;
  /** The name of its task, or null. */
  readonly taskName: string | null;
  /** The claim that holds its home, or null. */
  readonly claim: string | null;
  readonly version: string;
  /** A pod whose fields are kept, where pyro needs no other ones. */
  readonly template: Fields | null;
}

/** The facts about a new pod that its context does not have. */
export type PodRequest = Omit<PodWish, "claim" | "image" | "name" | "template" | "version">;

/** The purpose of a pod: a task, one command, or one question. */
export type PodKind = "call" | "run" | "task";

export type Fields = Readonly<Record<string, unknown>>;

export const CONTAINER = "pyro";
export const NAME_LABEL = "pyro.dev/name";
export const KIND_LABEL = "pyro.dev/kind";
/** Names the pool of a ready pod. */
export const POOL_LABEL = "pyro.dev/pool";
export const TASKS = `${KIND_LABEL}=task`;
const VERSION_ANNOTATION = "pyro.dev/version";
/** Begins the keys of the records of tasks, each as it was when it was created. */
export const RECORD_PREFIX = "task.pyro.dev/";
export const OURS = "app.kubernetes.io/managed-by=pyro";

/** QEMU's own memory when it emulates the processor, as the daemon counts it. */
const QEMU_MIB = 384;
/** The daemon, and the relays of streams. */
const DAEMON_MIB = 256;
/** Logs, and the copies that pushes and pulls make. */
const SPARE_DISK_MIB = 2_048;
/** A pod without a call and a task ends after this. */
const IDLE_SECONDS = 300;
/** A node that is gone is given up after this. */
const LOST_NODE_SECONDS = 5;
const GROUP = 10_001;

/** The pod of a task, under the profile `restricted`. Pure. Uses only fields that Kubernetes 1.20 has. */
export function buildPod(wish: PodWish): Fields {
  const template = wish.template ?? {};
  const metadata = fieldsOf(template["metadata"]);
  const spec = fieldsOf(template["spec"]);
  const containers = listOf(spec["containers"]);
  const own = containers.find(({ name }) => name === CONTAINER) ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: wish.name,
      labels: {
        ...fieldsOf(metadata["labels"]),
        ...labelsOf(wish),
      },
      annotations: { ...fieldsOf(metadata["annotations"]), [VERSION_ANNOTATION]: wish.version },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      ...spec,
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(wish.deadlineSeconds !== null && { activeDeadlineSeconds: wish.deadlineSeconds }),
      securityContext: {
        runAsNonRoot: true,
        fsGroup: GROUP,
        seccompProfile: { type: "RuntimeDefault" },
        // The files of an earlier pod keep their modes.
        ...(wish.claim !== null && { fsGroupChangePolicy: "OnRootMismatch" }),
        ...fieldsOf(spec["securityContext"]),
      },
      tolerations: [...listOf(spec["tolerations"]), ...lostNode("not-ready"), ...lostNode("unreachable")],
      volumes: withOurs(listOf(spec["volumes"]), "name", [
        { name: "pyro-home", ...homeOf(wish.claim) },
        { name: "pyro-tmp", emptyDir: {} },
      ]),
      containers: [buildContainer(wish, own), ...containers.filter((each) => each !== own)],
    },
  };
}

/** The labels of a pod, and of its claim. */
export function labelsOf({ kind, taskName }: Pick<PodWish, "kind" | "taskName">): Readonly<Record<string, string>> {
  return {
    "app.kubernetes.io/name": "pyro",
    "app.kubernetes.io/managed-by": "pyro",
    [KIND_LABEL]: kind,
    ...(taskName !== null && { [NAME_LABEL]: taskName }),
  };
}

function homeOf(claimName: string | null): Fields {
  return claimName === null ? { emptyDir: {} } : { persistentVolumeClaim: { claimName } };
}

function buildContainer(wish: PodWish, own: Fields): Fields {
  const resources = buildResources(wish, fieldsOf(own["resources"]));
  const memoryMib = parseMib(fieldsOf(resources["limits"])["memory"]) ?? needsOf(wish).memoryMib;
  const environment = [
    { name: "PYRO_ID_PREFIX", value: digitsOf(wish.name) },
    { name: "PYRO_DAEMON_IDLE_SECONDS", value: String(IDLE_SECONDS) },
    { name: "PYRO_MAX_MEMORY", value: String(Math.max(memoryMib - DAEMON_MIB, 256)) },
  ];
  return {
    ...own,
    name: CONTAINER,
    image: wish.image,
    env: withOurs(listOf(own["env"]), "name", environment),
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      ...fieldsOf(own["securityContext"]),
    },
    volumeMounts: withOurs(listOf(own["volumeMounts"]), "mountPath", [
      { name: "pyro-home", mountPath: "/var/lib/pyro" },
      { name: "pyro-tmp", mountPath: "/tmp" },
    ]),
  };
}

/** Processors are shared: an idle task needs few, and a busy one may use what it has asked for. */
function buildResources(wish: PodWish, given: Fields): Fields {
  const { vcpuCount } = wish;
  const { memoryMib, diskMib } = needsOf(wish);
  const memory = `${memoryMib}Mi`;
  return {
    ...given,
    requests: { cpu: `${vcpuCount * 250}m`, memory, "ephemeral-storage": "1Gi", ...fieldsOf(given["requests"]) },
    limits: {
      cpu: String(vcpuCount + 1),
      memory,
      "ephemeral-storage": `${diskMib}Mi`,
      ...fieldsOf(given["limits"]),
    },
  };
}

/** The digits of a pod's name, with which the ids of everything in it begin. */
function digitsOf(podName: string): string {
  return podName.slice("pyro-".length);
}

/** The pod that an id names, or null. */
export function podOf(id: string): string | null {
  const [, digits] = /^(?:task|vm|snap)-([0-9a-f]{6})[0-9a-f]{6}$/.exec(id) ?? [];
  return digits === undefined ? null : `pyro-${digits}`;
}

/** The memory and disk that a VM takes of its pod, in MiB. */
export function needsOf({ memMib, diskMib }: Pick<PodWish, "diskMib" | "memMib">) {
  return { memoryMib: memMib + QEMU_MIB + DAEMON_MIB, diskMib: diskMib + SPARE_DISK_MIB };
}

/** A quantity of processors; null for another kind of text. */
export function parseCpus(quantity: unknown): number | null {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m)?$/.exec(String(quantity)) ?? [];
  return number === undefined ? null : Number(number) / (unit === undefined ? 1 : 1_000);
}

/** A quantity of Kubernetes in MiB; null for another kind of text. */
export function parseMib(quantity: unknown): number | null {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(String(quantity)) ?? [];
  const bytes: Record<string, number> = {
    "": 1,
    Ki: 2 ** 10,
    Mi: 2 ** 20,
    Gi: 2 ** 30,
    Ti: 2 ** 40,
    k: 1e3,
    M: 1e6,
    G: 1e9,
    T: 1e12,
  };
  return number === undefined ? null : Math.floor((Number(number) * bytes[unit]!) / 2 ** 20);
}

function lostNode(state: string): Fields[] {
  const key = `node.kubernetes.io/${state}`;
  return [{ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: LOST_NODE_SECONDS }];
}

/** The given entries, and those of ours whose key is not among them. */
function withOurs(given: readonly Fields[], key: string, ours: readonly Fields[]): Fields[] {
  return [...given, ...ours.filter((each) => given.every((other) => other[key] !== each[key]))];
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

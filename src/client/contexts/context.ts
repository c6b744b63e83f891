import { PyroError } from "../../contract/errors.js";

/** A named way to a pyro elsewhere. */
export type Context = KubernetesContext | SshContext;

/** The pyro of another machine. */
export interface SshContext {
  readonly kind: "ssh";
  readonly name: string;
  /** `ssh://[user@]host[:port]`. */
  readonly url: string;
  /** The user there; null leaves it to ssh's configuration, as for `port`. */
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
  /** The pyro executable there. */
  readonly pyro: string;
  /** PYRO_HOME there; null for the login's own. */
  readonly home: string | null;
}

/** A namespace of a cluster, in which each task has a pod. */
export interface KubernetesContext {
  readonly kind: "kubernetes";
  readonly name: string;
  /** `kubernetes://[KUBECONTEXT]/NAMESPACE`. */
  readonly url: string;
  /** The context of the kubeconfig; null for its current one. */
  readonly kubeContext: string | null;
  readonly namespace: string;
  readonly image: string;
  /** A path; null for the one that kubectl would use. */
  readonly kubeconfig: string | null;
  /** The size of the volume of each task, as Kubernetes writes it; null for none. */
  readonly storage: string | null;
  /** Null for the cluster's default. */
  readonly storageClass: string | null;
  /** The label of the pods that are ready for a run; null for none. */
  readonly pool: string | null;
  /** The template of the pods, a manifest of a pod; null for none. */
  readonly pod: Readonly<Record<string, unknown>> | null;
}

/** A context as the file of contexts has it. */
export interface ContextRecord {
  readonly url: string;
  readonly pyro?: string;
  readonly home?: string;
  readonly image?: string;
  readonly kubeconfig?: string;
  readonly storage?: string;
  readonly storageClass?: string;
  readonly pool?: string;
  readonly pod?: Readonly<Record<string, unknown>>;
}

/** The context that stands for this machine. */
export const LOCAL = "local";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** No part may begin with a dash: ssh would take it for an option. */
const SSH_URL =
  /^ssh:\/\/(?:([A-Za-z0-9_.][^@/:\s]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(?::(\d{1,5}))?\/?$/;
const MAX_PORT = 65_535;
/** A quantity, as of a claim's storage. */
const SIZE = /^[1-9]\d{0,9}(?:Ki|Mi|Gi|Ti|k|M|G|T)?$/;
/** The name of an object of a cluster. */
const OBJECT = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
/** The name of a kubeconfig's context may have slashes and colons. */
const KUBERNETES_URL = /^kubernetes:\/\/(.*)\/([^/]+)\/?$/;
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const IMAGE = /^[A-Za-z0-9][^\s]{0,1023}$/;

const sshOnly = ["pyro", "home"] as const;
const kubernetesOnly = ["image", "kubeconfig", "storage", "storageClass", "pool", "pod"] as const;

/** A context from its name and record. Throws INVALID_ARGUMENT. */
export function parseContext(name: string, record: ContextRecord): Context {
  if (!NAME.test(name) || name === LOCAL) {
    throw refusal(`${JSON.stringify(name)} cannot be the name of a context`, {
      hint: `A name has letters, digits, dots, dashes and underscores, at most 64. "${LOCAL}" is this machine.`,
      details: { name },
    });
  }
  return record.url.startsWith("kubernetes:") ? parseKubernetes(name, record) : parseSsh(name, record);
}

function parseSsh(name: string, record: ContextRecord): SshContext {
  const { url, pyro = "pyro", home } = record;
  const [, user = null, host, portText] = SSH_URL.exec(url) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (host === undefined || port === 0 || (port ?? 0) > MAX_PORT) {
    throw refusal(`${url} is not the address of a machine`, { hint: hintFor(url), details: { url } });
  }
  assertNone(record, kubernetesOnly, "ssh");
  for (const [field, value] of Object.entries({ pyro, home })) {
    if (value === undefined || isPath(value)) continue;
    throw refusal(`--${field}: ${JSON.stringify(value)} is not a path`, {
      hint: "Give a path of the other machine; ~/ at its begin is the home directory there.",
      details: { field },
    });
  }
  return { kind: "ssh", name, url, user, host: host.replaceAll(/[[\]]/g, ""), port, pyro, home: home ?? null };
}

function parseKubernetes(name: string, record: ContextRecord): KubernetesContext {
  const { url, image, kubeconfig = null, storage = null, storageClass = null, pool = null, pod = null } = record;
  const [, kubeContext = "", namespace = ""] = KUBERNETES_URL.exec(url) ?? [];
  if (!NAMESPACE.test(namespace)) {
    throw refusal(`${url} names no namespace`, {
      hint: "Use kubernetes://[KUBECONTEXT]/NAMESPACE; a namespace has at most 63 lower-case letters, digits and dashes.",
      details: { url },
    });
  }
  assertNone(record, sshOnly, "kubernetes");
  if (image === undefined || !IMAGE.test(image)) {
    throw refusal(image === undefined ? "The context has no image" : `${JSON.stringify(image)} is not an image`, {
      hint: "Name the image of pyro that the cluster's nodes pull: --image registry.example/pyro:VERSION (docs/kubernetes.md).",
      details: { field: "image" },
    });
  }
  assertOptions({ storage, storageClass, pool });
  return {
    kind: "kubernetes",
    name,
    url,
    kubeContext: kubeContext === "" ? null : decode(kubeContext),
    namespace,
    image,
    kubeconfig,
    storage,
    storageClass,
    pool,
    pod,
  };
}

function assertOptions({
  storage,
  storageClass,
  pool,
}: Pick<KubernetesContext, "pool" | "storage" | "storageClass">): void {
  if (storage !== null && !SIZE.test(storage)) {
    throw refusal(`--storage: ${JSON.stringify(storage)} is not a size`, {
      hint: "Give a size as Kubernetes writes it, such as 20Gi.",
      details: { field: "storage" },
    });
  }
  if (storageClass !== null && (storage === null || !OBJECT.test(storageClass))) {
    throw refusal(
      storage === null
        ? "--storage-class needs --storage"
        : `--storage-class: ${JSON.stringify(storageClass)} is not the name of a storage class`,
      {
        hint:
          storage === null
            ? "Give the size of the volumes, such as --storage 20Gi."
            : "`kubectl get storageclass` lists them.",
        details: { field: "storageClass" },
      },
    );
  }
  if (pool !== null && !isLabelValue(pool)) {
    throw refusal(`--pool: ${JSON.stringify(pool)} is not the value of a label`, {
      hint: "Use at most 63 letters, digits, dots, dashes and underscores, as in the label pyro.dev/pool of the Deployment.",
      details: { field: "pool" },
    });
  }
}

/** Whether Kubernetes takes a text as the value of a label. */
export function isLabelValue(text: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/.test(text);
}

function assertNone(record: ContextRecord, fields: readonly (keyof ContextRecord)[], kind: string): void {
  const given = fields.find((field) => record[field] !== undefined);
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
  throw refusal(`--${flag} has no meaning for a context of ${kind}`, {
    hint: "Leave it out.",
    details: { field: given },
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isPath(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they have no place in a command line.
  return text !== "" && !text.startsWith("-") && !/[\u0000-\u001f]/.test(text);
}

function hintFor(url: string): string {
  if (/^ssh:\/\/[^@/]*:[^@/]*@/.test(url)) return "Leave the password out: ssh uses keys and its agent.";
  if (/^ssh:\/\/[^/]+\/./.test(url)) return "Leave out what follows the host; --home names the PYRO_HOME there.";
  return "Use ssh://[user@]host[:port], where host may be an alias of your ssh configuration, or kubernetes://[KUBECONTEXT]/NAMESPACE.";
}

function refusal(message: string, facts: { hint: string; details: Record<string, unknown> }): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, facts);
}

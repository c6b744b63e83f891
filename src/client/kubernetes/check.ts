import { PyroError } from "../../contract/errors.js";
import type { KubernetesContext } from "../contexts/context.js";
import type { Cluster } from "./cluster.js";
import { CONTAINER, fieldsOf, labelsOf, listOf, parseMib, type Fields } from "./pod-spec.js";

/** One thing that a context of Kubernetes needs. */
export interface Check {
  readonly name: "kvm" | "namespace" | "network" | "pod" | "quota" | "rights";
  /** Null for what cannot be seen, or is not needed. */
  readonly ok: boolean | null;
  readonly message: string;
  /** The next step; null when there is none to take. */
  readonly hint: string | null;
}

/** The rights that the bridge needs in a cluster. */
const rights: readonly (readonly [resource: string, verbs: readonly string[]])[] = [
  ["pods", ["create", "get", "list", "patch", "delete"]],
  // Kubernetes asks for `get` before 1.35, and for `create` since.
  ["pods/exec", ["get", "create"]],
  ["pods/portforward", ["get", "create"]],
];
/** The rights on claims that it needs in a context with storage. */
const storageRights: typeof rights = [["persistentvolumeclaims", ["create", "get", "list", "patch", "delete"]]];
/** The memory of the pod of a task of the default size. */
const DEFAULT_MIB = 1_664;
const DIRECTIONS = ["Ingress", "Egress"];

/** Whether the caller may do what a context needs. Throws when the cluster cannot be reached, or does not let the caller in. */
export async function checkRights(cluster: Cluster, { namespace, storage }: KubernetesContext): Promise<Check> {
  const wanted = storage === null ? rights : [...rights, ...storageRights];
  const asked = wanted.flatMap(([resource, verbs]) => verbs.map((verb) => ({ verb, resource })));
  const answers = await Promise.all(
    asked.map(async ({ verb, resource: whole }) => {
      const [resource, subresource] = whole.split("/");
      const resourceAttributes = { namespace, verb, resource, ...(subresource !== undefined && { subresource }) };
      const { status } = await cluster.call<{ readonly status: { readonly allowed?: boolean } }>({
        verb: "create",
        group: "authorization.k8s.io/v1",
        resource: "selfsubjectaccessreviews",
        namespace: null,
        body: {
          apiVersion: "authorization.k8s.io/v1",
          kind: "SelfSubjectAccessReview",
          spec: { resourceAttributes },
        },
      });
      return status.allowed === true ? [] : [`${verb} ${whole}`];
    }),
  );
  const missing = answers.flat();
  if (missing.length === 0)
    return { name: "rights", ok: true, message: "All that is needed is permitted.", hint: null };
  return {
    name: "rights",
    ok: false,
    message: `Not permitted in the namespace ${namespace}: ${missing.join(", ")}.`,
    hint: "Ask the cluster's administrator for the Role in docs/kubernetes.md.",
  };
}

/** Whether the namespace exists. A user who sees only the namespace's own objects cannot tell. */
export async function checkNamespace(cluster: Cluster, { namespace }: KubernetesContext): Promise<Check> {
  const seen = await see(
    cluster.call<Fields>({ verb: "get", resource: "namespaces", namespace: null, name: namespace }),
  );
  if (seen === "unseen")
    return { name: "namespace", ok: null, message: `${namespace} cannot be seen itself.`, hint: null };
  if (seen !== "missing") return { name: "namespace", ok: true, message: `${namespace} exists.`, hint: null };
  return {
    name: "namespace",
    ok: false,
    message: `The namespace ${namespace} does not exist.`,
    hint: `Create it: kubectl create namespace ${namespace}`,
  };
}

/** Whether the quotas of the namespace leave room for a task of the default size. */
export async function checkQuota(cluster: Cluster, { namespace }: KubernetesContext): Promise<Check> {
  const seen = await see(cluster.call<Fields>({ verb: "list", resource: "resourcequotas", namespace }));
  if (typeof seen === "string") return { name: "quota", ok: null, message: "Quotas cannot be seen.", hint: null };
  const left = listOf(seen["items"]).flatMap(({ status }) => {
    const { hard, used } = fieldsOf(status);
    return Object.entries(fieldsOf(hard)).map(([what, limit]) => ({ what, limit, used: fieldsOf(used)[what] ?? "0" }));
  });
  if (left.length === 0) return { name: "quota", ok: true, message: "The namespace has no quota.", hint: null };
  const full = left.filter(({ what, limit, used }) => {
    if (what === "pods" || what === "count/pods") return Number(used) >= Number(limit);
    const free = (parseMib(limit) ?? Infinity) - (parseMib(used) ?? 0);
    return /^(requests\.|limits\.)?memory$/.test(what) && free < DEFAULT_MIB;
  });
  const words = (full.length > 0 ? full : left).map(
    ({ what, limit, used }) => `${what} ${String(used)} of ${String(limit)}`,
  );
  return {
    name: "quota",
    ok: full.length === 0,
    message: `${full.length > 0 ? "No room for a task" : "Used"}: ${words.join(", ")}.`,
    hint: full.length > 0 ? `Delete tasks, or get more: kubectl -n ${namespace} describe quota` : null,
  };
}

/** Whether a policy denies all connections of pods. Whether the cluster enforces policies cannot be seen. */
export async function checkNetwork(cluster: Cluster, { namespace }: KubernetesContext): Promise<Check> {
  const request = { verb: "list", group: "networking.k8s.io/v1", resource: "networkpolicies", namespace } as const;
  const seen = await see(cluster.call<Fields>(request));
  if (typeof seen === "string")
    return { name: "network", ok: null, message: "Network policies cannot be seen.", hint: null };
  const policies = listOf(seen["items"]).filter(({ spec }) => selects(fieldsOf(spec)));
  const names = (some: readonly Fields[]) => some.map((each) => String(fieldsOf(each["metadata"])["name"])).join(", ");
  const opening = policies.filter(({ spec }) => {
    const { ingress, egress } = fieldsOf(spec);
    return listOf(ingress).length + listOf(egress).length > 0;
  });
  if (opening.length > 0) {
    return {
      name: "network",
      ok: null,
      message: `Network policies allow connections of pods: ${names(opening)}.`,
      hint: `Look at them: kubectl -n ${namespace} describe networkpolicies ${names(opening).replaceAll(",", "")}`,
    };
  }
  if (!DIRECTIONS.every((each) => policies.some(({ spec }) => isClosed(fieldsOf(spec), each)))) {
    return {
      name: "network",
      ok: null,
      message: "No network policy denies connections from and to pods.",
      hint: `Create one: kubectl -n ${namespace} apply -f deploy/kubernetes/base/networkpolicy.yaml`,
    };
  }
  return {
    name: "network",
    ok: true,
    message: `Connections from and to pods are denied by ${names(policies)}, where the network plugin enforces policies.`,
    hint: null,
  };
}

/** Whether a policy may be about pods of ours: expressions are not evaluated. */
function selects({ podSelector }: Fields): boolean {
  const own = labelsOf({ kind: "task", taskName: null });
  return Object.entries(fieldsOf(fieldsOf(podSelector)["matchLabels"])).every(([key, value]) => own[key] === value);
}

function isClosed({ podSelector, policyTypes }: Fields, direction: string): boolean {
  const { matchExpressions } = fieldsOf(podSelector);
  return matchExpressions === undefined && Array.isArray(policyTypes) && policyTypes.includes(direction);
}

/** Whether pods ask for KVM, and nodes have it. */
export async function checkKvm(cluster: Cluster, { pod }: KubernetesContext): Promise<Check> {
  const containers = listOf(fieldsOf(fieldsOf(pod)["spec"])["containers"]);
  const { limits } = fieldsOf(containers.find(({ name }) => name === CONTAINER)?.["resources"]);
  const asked = Object.keys(fieldsOf(limits)).find((name) => /kvm/i.test(name));
  const seen = await see(cluster.call<Fields>({ verb: "list", resource: "nodes", namespace: null }));
  const nodes =
    typeof seen === "string"
      ? null
      : listOf(seen["items"]).map(({ status }) => fieldsOf(fieldsOf(status)["allocatable"]));
  const having = (name: string) => (nodes ?? []).filter((each) => Number(each[name] ?? 0) > 0).length;
  if (asked !== undefined) {
    if (nodes === null)
      return { name: "kvm", ok: null, message: `Pods ask for ${asked}; nodes cannot be seen.`, hint: null };
    if (having(asked) > 0)
      return { name: "kvm", ok: true, message: `${having(asked)} of ${nodes.length} nodes have ${asked}.`, hint: null };
    return {
      name: "kvm",
      ok: false,
      message: `Pods ask for ${asked}, and none of ${nodes.length} nodes has it.`,
      hint: "Install the device plugin that offers it, or leave it out of the pod template: VMs are emulated then.",
    };
  }
  const offered = nodes?.flatMap((each) => Object.keys(each)).find((name) => /kvm/i.test(name) && having(name) > 0);
  return {
    name: "kvm",
    ok: null,
    message: `Pods do not ask for KVM: VMs are emulated.${offered === undefined ? "" : ` Nodes have ${offered}.`}`,
    hint:
      offered === undefined
        ? null
        : `Ask for it in the pod template (--pod): resources: {limits: {${offered}: 1}} of the container ${CONTAINER}.`,
  };
}

/** A question about something that the caller may be unable to see. */
async function see(question: Promise<Fields>): Promise<Fields | "missing" | "unseen"> {
  try {
    return await question;
  } catch (error) {
    const { code } = PyroError.from(error);
    if (code === "REMOTE_DENIED") return "unseen";
    if (code === "NOT_FOUND") return "missing";
    throw error;
  }
}

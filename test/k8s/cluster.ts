import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

import { until } from "../client/scratch.js";

export const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const state = process.env["PYRO_K8S_STATE"] ?? "";
assert.ok(state, "PYRO_K8S_STATE is not set: run `make test-k8s`");
const pki = (name: string) => readFileSync(join(state, "pki", name));
const agent = new Agent({ keepAlive: true, ca: pki("ca.crt"), cert: pki("admin.crt"), key: pki("admin.key") });

export const NAMESPACE = "pyro";
const SERVER = { host: "10.77.0.1", port: 6443 };
export const kubeconfigOf = (user: "admin" | "narrow" | "pyro") => join(state, "kubeconfig", user);
const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string };
export const IMAGE = process.env["PYRO_K8S_IMAGE"] ?? `localhost/pyro:${version}`;

export type Fields = Record<string, any>;

/** A call of the API server as its administrator. Rejects for other answers than success, and when it cannot be reached. */
export async function callApi(method: string, path: string, body?: object): Promise<Fields> {
  return JSON.parse(await requestText(method, path, body)) as Fields;
}

/** The counters of the API server, in the format of Prometheus. */
export function readMetrics(): Promise<string> {
  return requestText("GET", "/metrics");
}

function requestText(method: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" };
    const call = request({ ...SERVER, method, path, agent, headers, timeout: 30_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.on("error", reject).on("end", () => {
        if (answer.statusCode! < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`));
      });
    });
    call.on("error", reject).on("timeout", () => call.destroy(new Error("timeout")));
    call.end(body && JSON.stringify(body));
  });
}

const paths: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  Role: `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/roles`,
  RoleBinding: `/apis/rbac.authorization.k8s.io/v1/namespaces/${NAMESPACE}/rolebindings`,
  NetworkPolicy: `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies`,
  ResourceQuota: `/api/v1/namespaces/${NAMESPACE}/resourcequotas`,
  PersistentVolumeClaim: `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims`,
  PersistentVolume: "/api/v1/persistentvolumes",
  StorageClass: "/apis/storage.k8s.io/v1/storageclasses",
  ServiceAccount: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
  Deployment: `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`,
};

/** Creates an object, unless it is there. */
export async function apply(object: Fields): Promise<void> {
  await callApi("POST", paths[object["kind"]]!, object).catch((error: Error) => {
    if (!/: 409 /.test(error.message)) throw error;
  });
}

/** Creates what deploy/kubernetes/base has, in the order of its kustomization. */
export async function applyBase(): Promise<void> {
  const base = join(checkout, "deploy/kubernetes/base");
  const { resources } = parse(readFileSync(join(base, "kustomization.yaml"), "utf8")) as { resources: string[] };
  assert.equal(resources.length, readdirSync(base).length - 1);
  for (const file of resources) await apply(parse(readFileSync(join(base, file), "utf8")) as Fields);
}

/** The output of a pod so far. */
export function readLog(pod: string): Promise<string> {
  return requestText("GET", `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/log`);
}

/** A directory of a node as a volume of the class `local`. */
export async function makeVolume(given: {
  readonly name: string;
  readonly node: string;
  readonly path: string;
  readonly mode: "ReadOnlyMany" | "ReadWriteOnce";
}): Promise<void> {
  const { name, node, path, mode } = given;
  await apply({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "local" },
    provisioner: "kubernetes.io/no-provisioner",
    volumeBindingMode: "WaitForFirstConsumer",
  });
  const term = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] };
  await apply({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pyro-${name}` },
    spec: {
      capacity: { storage: "20Gi" },
      accessModes: [mode],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: "local",
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [term] } },
    },
  });
}

export async function listPods(): Promise<Fields[]> {
  return (await callApi("GET", `/api/v1/namespaces/${NAMESPACE}/pods`))["items"];
}

/** The names of nodes that are ready. */
export async function readyNodes(): Promise<string[]> {
  const { items } = await callApi("GET", "/api/v1/nodes");
  const isReady = ({ status }: Fields) =>
    status.conditions?.some(({ type, status: is }: Fields) => type === "Ready" && is === "True");
  return items.filter(isReady).map(({ metadata }: Fields) => metadata.name);
}

/** Runs scripts/k8s/cluster.sh with the cluster's directory. */
export function control(what: string, ...words: string[]): string {
  const script = join(checkout, "scripts/k8s/cluster.sh");
  const { status, stdout, stderr } = spawnSync(script, [what, state, ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

export async function untilNoPods(deadlineSeconds = 240): Promise<void> {
  await until("no pod is left", async () => (await listPods()).length === 0, deadlineSeconds);
}

/** Waits until all pods have ended by themselves. */
export async function untilEnded(): Promise<void> {
  const isOver = ({ status }: Fields) => ["Succeeded", "Failed"].includes(status.phase);
  await until("the pods have ended", async () => (await listPods()).every(isOver), 240);
}

/** Prints a figure that the test measured. */
export function report(what: string, figure: string): void {
  process.stdout.write(`test-k8s: ${what}: ${figure}\n`);
}

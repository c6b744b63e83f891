import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

import { buildPod } from "../../src/client/kubernetes/pod-spec.js";
import { isFit } from "../../src/client/kubernetes/pool.js";
import { running } from "../kubernetes/api-double.js";
import { findUnknownFields } from "./known-fields.js";
import { findViolations } from "./restricted.js";

const place = fileURLToPath(new URL("../../../deploy/kubernetes/", import.meta.url));
const read = (path: string) => parse(readFileSync(join(place, path), "utf8")) as Record<string, any>;
const base = readdirSync(join(place, "base")).filter((name) => name !== "kustomization.yaml");
const examples = readdirSync(join(place, "examples"));

for (const path of [...base.map((name) => `base/${name}`), ...examples.map((name) => `examples/${name}`)]) {
  test(`deploy/kubernetes/${path} has only fields that Kubernetes 1.20 and newer know`, () => {
    const object = read(path);
    assert.deepEqual(findUnknownFields(object), []);
    const { name, namespace } = object["metadata"];
    // A pod template has no name: pyro names its pods.
    if (object["kind"] !== "Pod") assert.match(name, /^pyro(-[a-z]+)?$/);
    // Kustomize sets the namespace of the base.
    assert.equal(namespace, path.startsWith("base/") || object["kind"] === "Pod" ? undefined : "pyro");
  });
}

test("an unknown field is found, also within lists", () => {
  const container = { name: "pyro", imagePullPolice: "Always", resources: { requests: { anything: "1" } } };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { nam: "x" }, spec: { containers: [container] } };
  assert.deepEqual(findUnknownFields(pod), [".metadata.nam", ".spec.containers[0].imagePullPolice"]);
  assert.deepEqual(findUnknownFields({ apiVersion: "v2", kind: "Pod" }), ["v2 Pod"]);
});

test("the Kustomize base lists every file of its directory, and puts all into one namespace", () => {
  const { kind, namespace, resources } = read("base/kustomization.yaml");
  assert.deepEqual([kind, namespace, resources.toSorted()], ["Kustomization", "pyro", base.toSorted()]);
  assert.equal(read("base/namespace.yaml")["metadata"].labels["pod-security.kubernetes.io/enforce"], "restricted");
});

test("the role has the least verbs", () => {
  const { rules } = read("base/role.yaml");
  const verbs = rules.flatMap(({ apiGroups, resources, verbs: list }: Record<string, string[]>) => {
    assert.deepEqual(apiGroups, [resources!.includes("networkpolicies") ? "networking.k8s.io" : ""]);
    return resources!.map((resource) => [resource, list!.join(" ")]);
  });
  assert.deepEqual(Object.fromEntries(verbs), {
    pods: "create get list watch patch delete",
    "pods/exec": "get create",
    "pods/portforward": "get create",
    "pods/log": "get list",
    events: "get list",
    resourcequotas: "get list",
    networkpolicies: "list",
    persistentvolumeclaims: "create get list patch delete",
  });
  assert.deepEqual(read("base/rolebinding.yaml")["roleRef"].name, read("base/role.yaml")["metadata"].name);
});

test("the network policy allows nothing, and concerns the pods that pyro makes", () => {
  const { podSelector, policyTypes, ingress, egress } = read("base/networkpolicy.yaml")["spec"];
  assert.deepEqual(podSelector, { matchLabels: { "app.kubernetes.io/managed-by": "pyro" } });
  assert.deepEqual([policyTypes, ingress, egress], [["Ingress", "Egress"], [], []]);
});

test("a pod of the pool is one that pyro would make, and stays", () => {
  const { template, selector } = read("examples/pool.yaml")["spec"];
  assert.deepEqual(findViolations(template), []);
  const { labels } = template.metadata;
  for (const [key, value] of Object.entries(selector.matchLabels)) assert.equal(labels[key], value);
  const [container] = template.spec.containers;
  const size = { vcpuCount: 1, memMib: 1_024, diskMib: 10_240, deadlineSeconds: null };
  const made = buildPod({
    ...{ ...size, name: "pyro-1a2b3c", kind: "run", image: container.image, taskName: null, claim: null, version: "1" },
    template: null,
  }) as Record<string, any>;
  const { restartPolicy: _never, ...spec } = made["spec"];
  const { env: _ids, ...own } = spec.containers[0];
  const { env, startupProbe: _probe, ...given } = container;
  assert.deepEqual({ ...template.spec, containers: [given] }, { ...spec, containers: [own] });
  const variables = Object.fromEntries(env.map(({ name, value }: Record<string, string>) => [name, value]));
  assert.deepEqual(variables, { PYRO_DAEMON_IDLE_SECONDS: "1000000", PYRO_MAX_MEMORY: "1408" });
  assert.deepEqual(labels, {
    ...made["metadata"].labels,
    "pyro.dev/kind": "ready",
    "pyro.dev/pool": labels["pyro.dev/pool"],
  });
  const status = { ...running, conditions: [{ type: "Ready", status: "True" }] };
  assert.ok(isFit({ metadata: template.metadata, spec: template.spec, status }, container.image, size));
});

test("the rules of the restricted profile find each violation", () => {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  const good = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    volumes: [{ name: "home", emptyDir: {} }],
    containers: [{ name: "pyro", securityContext }],
  };
  assert.deepEqual(findViolations({ spec: good }), []);
  const bad: [object, RegExp][] = [
    [{ hostNetwork: true }, /namespaces of the host/],
    [{ volumes: [{ name: "host", hostPath: { path: "/" } }] }, /forbidden type/],
    [{ securityContext: { runAsNonRoot: true } }, /no seccomp profile/],
    [{ securityContext: { seccompProfile: { type: "RuntimeDefault" } } }, /may run as root/],
    [{ containers: [{ name: "pyro" }] }, /escalate/],
    [{ containers: [{ name: "pyro", securityContext: { ...securityContext, privileged: true } }] }, /privileged/],
    [{ containers: [{ name: "pyro", securityContext, ports: [{ hostPort: 1 }] }] }, /ports of the host/],
  ];
  for (const [change, message] of bad) assert.match(findViolations({ spec: { ...good, ...change } }).join(), message);
});

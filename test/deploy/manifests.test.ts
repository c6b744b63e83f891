import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

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
    assert.deepEqual(apiGroups, [""]);
    return resources!.map((resource) => [resource, list!.join(" ")]);
  });
  assert.deepEqual(Object.fromEntries(verbs), {
    pods: "create get list watch patch delete",
    "pods/exec": "get create",
    "pods/portforward": "get create",
    "pods/log": "get list",
    events: "get list",
    resourcequotas: "get list",
    persistentvolumeclaims: "create get list delete",
  });
  assert.deepEqual(read("base/rolebinding.yaml")["roleRef"].name, read("base/role.yaml")["metadata"].name);
});

test("the network policy allows nothing, and concerns the pods that pyro makes", () => {
  const { podSelector, policyTypes, ingress, egress } = read("base/networkpolicy.yaml")["spec"];
  assert.deepEqual(podSelector, { matchLabels: { "app.kubernetes.io/managed-by": "pyro" } });
  assert.deepEqual([policyTypes, ingress, egress], [["Ingress", "Egress"], [], []]);
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

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { checkContext, removeContext, addContext } from "../../src/client/contexts/manage.js";
import { PyroError } from "../../src/contract/errors.js";
import { running, status } from "./api-double.js";
import { Near } from "./near.js";

let near: Near;
before(async () => {
  near = await Near.open(() => (operation) => ({ operation, ok: true, accelerator: { in_use: "tcg" }, problems: [] }));
});
after(() => near[Symbol.asyncDispose]());
beforeEach(() => {
  near.cluster.recorded.clear();
  near.cluster.denied.clear();
  near.cluster.states = [running];
});

async function check() {
  const { ok, checks = [] } = await checkContext(near.env, "k");
  return { ok, names: checks.map(({ name }) => name), of: (name: string) => checks.find((each) => each.name === name) };
}

/** Whether a check has passed, and what it says. */
async function saidOf(name: string) {
  const found = (await check()).of(name);
  return [found?.ok, found?.message];
}

test("a context that has all it needs is said to; a pod is started and removed", async () => {
  const { ok, names } = await check();
  assert.equal(ok, true);
  assert.deepEqual(names, ["rights", "namespace", "quota", "network", "kvm", "pod"]);
  assert.equal(near.cluster.pods.size, 0);
});

test("missing rights are listed, and no pod is started", async () => {
  near.cluster.denied.add("create pods/exec").add("patch pods");
  const checks = await check();
  assert.deepEqual([checks.ok, checks.of("pod")], [false, undefined]);
  assert.equal(checks.of("rights")?.message, "Not permitted in the namespace pyro: patch pods, create pods/exec.");
});

test("a namespace that is missing, or cannot be seen", async () => {
  near.cluster.recorded.set(
    "GET namespaces/pyro",
    status(404, "NotFound", 'namespaces "pyro" not found', { kind: "namespaces", name: "pyro" }),
  );
  assert.deepEqual(await saidOf("namespace"), [false, "The namespace pyro does not exist."]);
  const message = 'namespaces "pyro" is forbidden: User "u" cannot get resource "namespaces" in API group ""';
  near.cluster.recorded.set("GET namespaces/pyro", status(403, "Forbidden", message));
  const unseen = await check();
  assert.deepEqual([unseen.ok, unseen.of("namespace")?.ok], [true, null]);
});

test("a quota without room for a task is named", async () => {
  const quota = (used: string) => ({
    status: 200,
    body: {
      items: [
        { status: { hard: { "requests.memory": "8Gi", pods: "24" }, used: { "requests.memory": used, pods: "3" } } },
      ],
    },
  });
  near.cluster.recorded.set("GET resourcequotas", quota("7Gi"));
  assert.deepEqual(await saidOf("quota"), [false, "No room for a task: requests.memory 7Gi of 8Gi."]);
  near.cluster.recorded.set("GET resourcequotas", quota("1Gi"));
  assert.deepEqual(await saidOf("quota"), [true, "Used: requests.memory 1Gi of 8Gi, pods 3 of 24."]);
});

const denying = {
  podSelector: { matchLabels: { "app.kubernetes.io/managed-by": "pyro" } },
  policyTypes: ["Ingress", "Egress"],
};
const egress = [{}];

/** The findings of the check for a namespace with these policies. */
function checkPolicies(...specs: object[]) {
  const items = specs.map((spec, i) => ({ metadata: { name: `policy-${i}` }, spec }));
  near.cluster.recorded.set("GET networkpolicies", { status: 200, body: { items } });
  return check();
}

test("policies that deny every connection of pods are named", async () => {
  const closed: object[][] = [
    [denying],
    [{ ...denying, podSelector: {} }],
    [
      { ...denying, policyTypes: ["Ingress"] },
      { ...denying, policyTypes: ["Egress"] },
    ],
    [denying, { ...denying, podSelector: { matchLabels: { app: "other" } }, egress }],
  ];
  for (const specs of closed) {
    const found = (await checkPolicies(...specs)).of("network");
    assert.equal(found?.ok, true, JSON.stringify(specs));
    assert.match(found.message, /denied by policy-0/);
  }
});

test("a namespace without a policy that denies everything gets the next step", async () => {
  const open = [
    { ...denying, policyTypes: ["Ingress"] },
    { ...denying, podSelector: { matchLabels: { app: "other" } } },
    { ...denying, podSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] } },
  ];
  for (const specs of [[], ...open.map((each) => [each])]) {
    const { ok, of } = await checkPolicies(...specs);
    assert.deepEqual([ok, of("network")?.ok], [true, null], JSON.stringify(specs));
    assert.match(of("network")?.hint ?? "", /networkpolicy\.yaml/);
  }
});

test("a policy that allows connections of pods is named, whatever others deny", async () => {
  const found = (await checkPolicies(denying, { ...denying, podSelector: {}, egress })).of("network");
  assert.equal(found?.ok, null);
  assert.match(found.message, /allow connections of pods: policy-1\.$/);
  assert.match(found.hint ?? "", /describe networkpolicies policy-1$/);
});

test("KVM: offered by nodes, asked for, and asked for in vain", async () => {
  const nodes = (count: string) => ({
    status: 200,
    body: { items: [{ status: { allocatable: { cpu: "4", "devices.kubevirt.io/kvm": count } } }] },
  });
  near.cluster.recorded.set("GET nodes", nodes("110"));
  assert.match((await check()).of("kvm")?.hint ?? "", /devices\.kubevirt\.io\/kvm: 1/);
  const pod = join(near.directory, "pod.yaml");
  writeFileSync(pod, 'spec: {containers: [{name: pyro, resources: {limits: {devices.kubevirt.io/kvm: "1"}}}]}');
  await addContext(near.env, "with-kvm", {
    ...{ url: "kubernetes:///pyro", image: "registry.example/pyro:1" },
    ...{ kubeconfig: join(near.directory, "kubeconfig"), pod },
  });
  near.cluster.denied.add("create pods");
  const asked = async () => (await checkContext(near.env, "with-kvm")).checks?.find(({ name }) => name === "kvm");
  assert.equal((await asked())?.ok, true);
  near.cluster.recorded.set("GET nodes", nodes("0"));
  assert.deepEqual(
    [(await asked())?.ok, (await asked())?.message],
    [false, "Pods ask for devices.kubevirt.io/kvm, and none of 1 nodes has it."],
  );
  await removeContext(near.env, "with-kvm");
});

test("an image that cannot be pulled, or has no pyro", async () => {
  const waiting = { reason: "ImagePullBackOff", message: "Back-off pulling image" };
  near.cluster.states = [{ phase: "Pending", containerStatuses: [{ name: "pyro", state: { waiting } }] }];
  const [ok, message] = await saidOf("pod");
  assert.equal(ok, false);
  assert.match(String(message), /registry\.example\/pyro:1 cannot be pulled: ImagePullBackOff/);
  near.cluster.states = [running];
  near.cluster.hasRelay = false;
  assert.deepEqual(await saidOf("pod"), [false, "The image registry.example/pyro:1 has no pyro."]);
  near.cluster.hasRelay = true;
});

test("an image of another version is named by the check and by every call, and its pod removed", async () => {
  const details = { client_version: "2.0.0", daemon_version: "1.0.0", restarting: true };
  near.refusal = new PyroError("DAEMON_VERSION", "Another version.", { details });
  const message = "This pyro is version 2.0.0; the image registry.example/pyro:1 has 1.0.0.";
  assert.deepEqual(await saidOf("pod"), [false, message]);
  await assert.rejects(near.client.call("task.create", { environment: "debian:12" }), {
    code: "DAEMON_VERSION",
    message,
  });
  assert.equal(near.cluster.pods.size, 0);
  near.refusal = null;
});

test("a cluster that lets nobody in is an error, as for every call", async () => {
  near.cluster.tokens.clear();
  const error = await checkContext(near.env, "k").then(
    () => assert.fail("no error"),
    (thrown: unknown) => PyroError.from(thrown),
  );
  assert.equal(error.code, "REMOTE_DENIED");
  near.cluster.tokens.add("good");
});

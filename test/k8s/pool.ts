import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { parse } from "yaml";

import { until } from "../client/scratch.js";
import {
  apply,
  applyBase,
  callApi,
  checkout,
  IMAGE,
  listPods,
  NAMESPACE,
  report,
  untilNoPods,
  type Fields,
} from "./cluster.js";
import { Near } from "./near.js";

const REPLICAS = 2;
const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/pyro-pool`;
let near: Near;

before(async () => {
  await applyBase();
  const deployment = parse(readFileSync(join(checkout, "deploy/kubernetes/examples/pool.yaml"), "utf8")) as Fields;
  const [container] = deployment["spec"].template.spec.containers;
  Object.assign(container, { image: IMAGE, imagePullPolicy: "Never" });
  container.resources.requests.cpu = "50m";
  await apply({ ...deployment, spec: { ...deployment["spec"], replicas: REPLICAS } });
  near = await Near.open({ pool: "ready" });
});
after(async () => {
  await near[Symbol.asyncDispose]();
  await callApi("DELETE", `${DEPLOYMENT}?propagationPolicy=Foreground`);
  await untilNoPods();
});

const isPooled = ({ metadata }: Fields) => metadata.labels["pyro.dev/pool"] === "ready";
const isReady = ({ status }: Fields) =>
  status.conditions?.some(({ type, status: is }: Fields) => type === "Ready" && is === "True") === true;
const untilFull = () =>
  until(
    "the pool is full",
    async () => (await listPods()).filter((pod) => isPooled(pod) && isReady(pod)).length === REPLICAS,
    180,
  );
const run = (command: string[]) => near.client.call("vm.run", { environment: "debian:12", command });

test("a run takes a ready pod, which another one replaces", async () => {
  await untilFull();
  const names = new Set((await listPods()).map(({ metadata }) => metadata.name as string));
  const started = performance.now();
  const { stdout } = await run(["echo", "ready"]);
  report("a command in a pod of the pool", `${Math.round(performance.now() - started)} ms`);
  assert.equal(stdout, "ready\n");
  await untilFull();
  const left = (await listPods()).filter(({ metadata }) => names.has(metadata.name));
  assert.equal(left.length, REPLICAS - 1);
});

test("more runs at the same time than ready pods: each has one of its own", async () => {
  const ran = await Promise.all(Array.from({ length: REPLICAS + 1 }, (_, i) => run(["echo", String(i)])));
  assert.deepEqual(
    ran.map(({ stdout }) => stdout),
    Array.from({ length: REPLICAS + 1 }, (_, i) => `${i}\n`),
  );
  await untilFull();
  assert.equal((await listPods()).length, REPLICAS);
});

test("a pod that a run has taken is removed when its client is killed", async () => {
  const child = near.start(["run", "debian:12", "--", "sleep", "1000"]);
  const taken = async () => (await listPods()).find(({ metadata }) => metadata.labels["pyro.dev/kind"] === "run");
  await until("a pod is taken", async () => (await taken()) !== undefined);
  const { spec, metadata } = (await taken())!;
  assert.ok(spec.activeDeadlineSeconds > 0);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  await until("the pod is gone", async () => (await listPods()).every((pod) => pod["metadata"].name !== metadata.name));
});

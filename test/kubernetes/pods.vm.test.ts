import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Scratch, type Ended } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { ApiDouble, variableOf } from "./api-double.js";

const near = new Scratch();
const far: VmScratch[] = [];
let cluster: ApiDouble;

before(async () => {
  cluster = await ApiDouble.open(near.directory);
  cluster.onPod = (pod) => {
    const scratch = new VmScratch({ env: { PYRO_ID_PREFIX: variableOf(pod, "PYRO_ID_PREFIX") } });
    far.push(scratch);
    void scratch.pyro(["daemon", "start"]);
    return scratch.home;
  };
  const kubeconfig = join(near.directory, "kubeconfig");
  writeFileSync(kubeconfig, cluster.kubeconfig());
  const added = await near.pyro([
    ...["context", "add", "k", "kubernetes:///pyro", "--image", "registry.example/pyro:1", "--kubeconfig", kubeconfig],
  ]);
  assert.equal(added.status, 0, added.stderr);
});
after(async () => {
  await near.pyro(["context", "remove", "k"]);
  for (const scratch of far) await scratch[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await near[Symbol.asyncDispose]();
});

function pyro(args: readonly string[], input: string | Buffer = ""): Promise<Ended> {
  return near.pyro(args, { input, env: { PYRO_CONTEXT: "k" } });
}

async function said(args: readonly string[], input: string | Buffer = ""): Promise<string> {
  const { status, stdout, stderr } = await pyro(args, input);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

test("a task in a pod: commands with all their streams, files, forks, and its end", async () => {
  const id = (await said(["task", "create", "debian:12", "--mem-mib", "256", "--name", "web", "-q"])).trim();
  const [pod = ""] = cluster.pods.keys();
  assert.equal(id.slice("task-".length, -6), pod.slice("pyro-".length));
  const ran = await pyro(["task", "exec", "web", "--", "sh", "-c", "cat; echo E >&2; exit 7"], "in\n");
  assert.deepEqual([ran.status, ran.stdout, ran.stderr.split("\n")[0]], [7, "in\n", "E"]);

  const source = join(near.directory, "source");
  mkdirSync(source);
  const content = randomBytes(1 << 20);
  writeFileSync(join(source, "big"), content);
  await said(["task", "sync", "push", id, source]);
  await said(["task", "exec", id, "--", "mv", "big", "bigger"]);
  const back = join(near.directory, "back");
  mkdirSync(back);
  await said(["task", "sync", "pull", id, back]);
  assert.ok(readFileSync(join(back, "bigger")).equals(content));

  const fork = (await said(["task", "fork", id, "-q"])).trim();
  assert.equal(fork.slice(0, -6), id.slice(0, -6));
  assert.equal(await said(["task", "exec", fork, "--", "ls"]), "bigger\n");
  const listed = JSON.parse(await said(["task", "list", "--json"])) as { tasks: { task_id: string }[] };
  assert.deepEqual(listed.tasks.map(({ task_id }) => task_id).toSorted(), [fork, id].toSorted());

  await said(["task", "delete", id]);
  assert.equal(cluster.pods.size, 1);
  await said(["task", "delete", fork]);
  assert.equal(cluster.pods.size, 0);
  assert.equal((await pyro(["task", "status", id])).status, 125);
});

test("a run has a pod of its own, which is removed with the answer", async () => {
  const ran = await pyro(["run", "debian:12", "--mem-mib", "256", "--", "sh", "-c", "cat; exit 3"], "x");
  assert.deepEqual([ran.status, ran.stdout], [3, "x"], ran.stderr);
  assert.equal(cluster.pods.size, 0);
});

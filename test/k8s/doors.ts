import assert from "node:assert/strict";
import { test } from "node:test";

import { Pyro } from "../../src/index.js";
import { pyroPath, until } from "../client/scratch.js";
import { connectStdio } from "../doors/mcp/connect.js";
import { python } from "../python/run.js";
import { callApi, listPods, NAMESPACE } from "./cluster.js";
import { type Near, useNear } from "./near.js";

const PORT = 8000;
let near: Near;
let task: string;
useNear(
  async (opened) => {
    near = opened;
    ({ task_id: task } = await near.client.call("task.create", { environment: "debian:12", name: "doors" }));
  },
  () => near.client.call("task.delete", { task_id: task }),
);

test("a service's port is on the loopback of the client, for every connection until it is closed", async () => {
  const service = { task_id: task, name: "web" };
  const command = `cd /etc && python3 -m http.server ${PORT} --bind 127.0.0.1`;
  await near.client.call("task.service.start", { ...service, command, ready: `http:${PORT}/` });
  const published = { task_id: task, port: PORT };
  const { host_port, url } = await near.client.call("task.port.publish", published);
  assert.equal(url, `http://127.0.0.1:${host_port}`);
  const { stdout } = await near.client.call("task.exec", { task_id: task, command: ["cat", "/etc/os-release"] });
  const read = async () => (await fetch(`${url}/os-release`)).text();
  assert.deepEqual(await Promise.all([read(), read(), read()]), [stdout, stdout, stdout]);
  const { ports } = await near.client.call("task.port.list", { task_id: task });
  assert.deepEqual(ports, [{ port: PORT, host_port, url, open: true }]);
  await near.client.call("task.port.close", published);
  await assert.rejects(read());
  await near.client.call("task.service.stop", service);
});

test("a terminal in a pod: its size, Ctrl-C, another client that attaches, and its end", async () => {
  Object.assign(process.env, near.env);
  const pyro = new Pyro({ home: near.home, context: "kube" });
  const open = async (rows: number) => {
    const shell = await pyro.shellTask(task, { name: "main", rows, cols: 100 });
    const screen = { text: "" };
    const reading = (async () => {
      for await (const bytes of shell) screen.text += Buffer.from(bytes).toString("latin1");
    })();
    const shows = (pattern: RegExp) => until(`the terminal shows ${pattern}`, () => pattern.test(screen.text));
    return { shell, reading, shows };
  };
  const first = await open(30);
  await first.shell.write("tty; stty size\r");
  await first.shows(/\/dev\/pts\/\d+\r\n30 100\r\n/);
  first.shell.resize({ rows: 40, cols: 120 });
  // A resize is sent beside the input, and may arrive after it.
  await first.shell.write("until stty size | grep '40 120'; do sleep 0.1; done\r");
  await first.shows(/[\r\n]40 120\r\n/);
  // Until the program runs, Ctrl-C goes to the shell, which starts it nevertheless.
  await first.shell.write("sh -c 'echo runs; exec sleep 1000'\r");
  await first.shows(/[\r\n]runs\r\n/);
  await first.shell.write("\x03");
  await first.shell.write("echo status=$?\r");
  await first.shows(/status=130\r\n/);
  first.shell.detach();
  await first.reading.catch(() => {});
  const second = await open(40);
  await second.shows(/status=130\r\n/);
  await second.shell.write("exit 9\r");
  await second.reading;
  assert.equal((await second.shell.exit).exitCode, 9);
});

test("doctor of a context speaks of a pod, which is gone afterwards", async () => {
  const { status, stdout, stderr } = await near.pyro(["doctor", "--context", "kube", "--json"]);
  assert.equal(status, 0, stderr);
  const { ok, accelerator } = JSON.parse(stdout) as { ok: boolean; accelerator: { in_use: string } };
  assert.deepEqual([ok, accelerator.in_use], [true, "tcg"]);
  assert.equal((await listPods()).length, 1);
});

test("an agent works in a task of the cluster", async () => {
  await using connected = await connectStdio({ ...process.env, ...near.env }, "full");
  const { task_id } = await connected.result<{ task_id: string }>("task_create", {
    environment: "debian:12",
    source_path: new URL("../../../examples", import.meta.url).pathname,
  });
  const command = "ls | wc -l; cat /sys/class/dmi/id/sys_vendor";
  const ran = await connected.result<{ stdout: string; exit_code: number }>("task_exec", { task_id, command });
  assert.equal(ran.exit_code, 0);
  assert.match(ran.stdout, /^\d+\nQEMU\n$/);
  const missing = await connected.failure("task_exec", { task_id: "task-0123456789ab", command: "true" });
  assert.equal(missing.code, "NOT_FOUND");
  await connected.result("task_delete", { task_id });
});

test("the Python client works in a task of the cluster, and in a pod of one command", async () => {
  const env = { ...near.env, PYRO_CONTEXT: "local", PYRO_EXECUTABLE: pyroPath };
  const { status, stdout, stderr } = await python(["-c", SCRIPT], env);
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), ["from Python\n", 4, "left\n", "NOT_FOUND", "once\n"]);
});

const SCRIPT = `
import json
from pyro_mcp import Pyro, PyroError

pyro = Pyro(context="kube")
with pyro.task("debian:12") as task:
    ran = task.exec("cat; echo left >file; exit 4", stdin=b"from Python\\n")
    left = task.read_file("file")["content"]
try:
    task.status()
    code = None
except PyroError as error:
    code = error.code
once = pyro.run_in_vm("debian:12", command=["echo", "once"])
print(json.dumps([ran["stdout"], ran["exit_code"], left, code, once["stdout"]]))
`;

test("a policy denies every connection from and to pods of pyro", async () => {
  const path = `/apis/networking.k8s.io/v1/namespaces/${NAMESPACE}/networkpolicies/pyro`;
  const { spec } = await callApi("GET", path);
  assert.deepEqual(spec.policyTypes.toSorted(), ["Egress", "Ingress"]);
  assert.deepEqual([spec.ingress ?? [], spec.egress ?? []], [[], []]);
  const selected = Object.entries(spec.podSelector.matchLabels as Record<string, string>);
  for (const { metadata } of await listPods())
    for (const [key, value] of selected) assert.equal(metadata.labels[key], value);
});

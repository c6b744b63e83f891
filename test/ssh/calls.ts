import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Client } from "../../src/client/client.js";
import { performOperation } from "../../src/client/perform.js";
import { connectStdio } from "../doors/mcp/connect.js";
import { pyroPath } from "../client/scratch.js";
import { Box } from "./box.js";
import { Sshd } from "./sshd.js";

const MAX_ADDED_MS = 30;
const ROUNDS = 40;
const TASK = "web";

let box: Box;
before(async () => {
  box = await Box.open();
  await box.client.call("task.create", { environment: "debian:12", mem_mib: 256, name: TASK });
});
after(() => box[Symbol.asyncDispose]());

test(`an exec over ssh takes at most ${MAX_ADDED_MS} ms more than a local one`, async () => {
  const local = new Client({ ...process.env, ...box.far.env });
  const took: Record<string, number[]> = { ssh: [], local: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, client] of [["ssh", box.client] as const, ["local", local] as const]) {
      const began = performance.now();
      await performOperation(client, "task.exec", { task_id: TASK, command: "true" });
      took[name]!.push(performance.now() - began);
    }
  }
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!;
  const [ssh, near] = [median(took["ssh"]!), median(took["local"]!)];
  process.stdout.write(`# exec: p50 ${ssh.toFixed(1)} ms over ssh, ${near.toFixed(1)} ms locally\n`);
  assert.ok(ssh - near <= MAX_ADDED_MS);
});

test("ports: a published port listens on this machine, survives a broken connection, and ends with its close", async () => {
  const server = `python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 8000))
while True:
    c, _ = s.accept()
    while data := c.recv(65536): c.sendall(data)
    c.close()'`;
  const service = { task_id: TASK, name: "echo" };
  await box.client.call("task.service.start", { ...service, command: server, ready: "tcp:8000" });
  const wanted = await freePort();
  const published = await box.client.call("task.port.publish", { task_id: TASK, port: 8000, host_port: wanted });
  assert.deepEqual([published.host_port, published.url], [wanted, `http://127.0.0.1:${wanted}`]);
  assert.equal(await echo(wanted, "hello"), "hello");
  const shown = async () => (await box.client.call("task.status", { task_id: TASK })).ports;
  assert.deepEqual(await shown(), [{ port: 8000, host_port: wanted, url: published.url, open: true }]);
  const again = { task_id: TASK, port: 8000 };
  await assert.rejects(box.client.call("task.port.publish", { ...again, host_port: await freePort() }), {
    code: "ALREADY_EXISTS",
  });
  assert.ok(box.breakConnection("here"));
  assert.deepEqual((await box.client.call("task.port.list", { task_id: TASK })).ports, await shown());
  assert.equal(await echo(wanted, "again"), "again");
  await box.client.call("task.port.close", again);
  await assert.rejects(echo(wanted, "x"), { code: "ECONNREFUSED" });
  const taken = createServer().listen(wanted, "127.0.0.1");
  await once(taken, "listening");
  await assert.rejects(box.client.call("task.port.publish", { ...again, host_port: wanted }), {
    code: "FAILED_PRECONDITION",
  });
  taken.close();
  await box.client.call("task.service.stop", service);
});

test("ports: a service's port is forwarded as well, from Python too", async () => {
  const { ports } = await box.client.call("task.service.start", {
    ...{ task_id: TASK, name: "files", command: "python3 -m http.server 8001 --bind 127.0.0.1" },
    ...{ ready: "http:8001/", publish: ["8001"] },
  });
  const answer = await fetch(ports[0]!.url);
  assert.equal(answer.status, 200);
  await answer.text();
  await box.client.call("task.service.stop", { task_id: TASK, name: "files" });
});

test("an agent works in a task of another machine", async () => {
  await using connected = await connectStdio(box.env, "full");
  const { task_id } = await connected.result<{ task_id: string }>("task_create", {
    ...{ environment: "debian:12", mem_mib: 256, source_path: new URL("../../../examples", import.meta.url).pathname },
  });
  const ran = await connected.result<{ stdout: string; exit_code: number }>("task_exec", {
    task_id,
    command: "ls | head -1",
  });
  assert.equal(ran.exit_code, 0);
  assert.notEqual(ran.stdout, "");
  await connected.result("task_delete", { task_id });
});

test("a saved environment is exported to this machine, and imported from it", async () => {
  const file = join(box.near.directory, "saved.pyro.tar");
  await box.client.call("env.save", { source: TASK, name: "web:files", disk_only: true });
  const { output, size_bytes } = await box.client.call("env.export", { environment: "web:files", output: file });
  assert.deepEqual([output, statSync(file).size], [file, size_bytes]);
  await box.client.call("env.import", { file, name: "web:again" });
  const { environments } = await box.client.call("env.list", {});
  assert.ok(environments.some(({ name }) => name === "web:again"));
  assert.deepEqual(readdirSync(join(box.far.home, "incoming")), []);
});

test("the SDK streams standard input and output of any size", async () => {
  const pyro = box.openSdk();
  const bytes = Buffer.alloc(8 << 20, "pyro");
  const ran = await pyro.execTask(TASK, { command: "sha256sum", stdin: bytes });
  assert.equal(ran.stdout.split(" ")[0], createHash("sha256").update(bytes).digest("hex"));
});

for (const [what, change, code] of [
  ["a changed host key", (sshd: Sshd) => sshd.know("stranger"), "REMOTE_DENIED"],
  ["an unknown host key", (sshd: Sshd) => sshd.know(null), "REMOTE_DENIED"],
  ["a key that the server does not accept", (sshd: Sshd) => sshd.useKey("stranger"), "REMOTE_DENIED"],
  ["no server", null, "DAEMON_UNREACHABLE"],
] as const) {
  test(`${what}: ${code}`, async () => {
    const sshd = box.sshd;
    const url = change === null ? `ssh://127.0.0.1:${await freePort()}` : sshd.url;
    change?.(sshd);
    try {
      assert.equal(await codeOf(`bad-${code}`, url), code);
    } finally {
      sshd.know("host");
      sshd.useKey("id");
    }
  });
}

for (const option of ["AllowStreamLocalForwarding no", "DisableForwarding yes"]) {
  test(`a server with ${option}: REMOTE_DENIED`, async () => {
    const { PYRO_HOME: _home, PYRO_TOOLCHAIN: _toolchain, ...env } = box.far.env;
    await using sshd = await Sshd.open(env, option);
    assert.equal(await codeOf("closed", sshd.url, sshd.client), "REMOTE_DENIED");
  });
}

/** The code of a call over a new connection to a URL. */
async function codeOf(name: string, url: string, client = box.sshd.client): Promise<string> {
  const env = { PYRO_SSH: client };
  // Another path of the same home is another connection.
  const there = `${box.far.home}/../home`;
  await box.near.pyro(["context", "add", name, url, "--pyro", pyroPath, "--home", there], { env });
  const { stdout } = await box.near.pyro(["env", "list", "--context", name, "--json"], { env });
  await box.near.pyro(["context", "remove", name], { env });
  return (JSON.parse(stdout) as { error?: { code: string } }).error?.code ?? stdout;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function echo(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.end(text);
  let got = "";
  for await (const chunk of socket.setEncoding("utf8") as AsyncIterable<string>) got += chunk;
  return got;
}

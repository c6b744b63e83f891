import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { findContext, readContexts } from "../../src/client/contexts/contexts.js";
import { placeOf } from "../../src/client/transport/place.js";
import { readContract } from "../../src/contract/rendered.js";
import { openHome } from "../../src/host/home.js";
import { endOf, kill, pyroPath } from "../client/scratch.js";
import { connectStdio } from "../doors/mcp/connect.js";
import { python } from "../python/run.js";
import { asSsh } from "./as-ssh.js";
import { TwoMachines } from "./two-machines.js";

let machines: TwoMachines;
before(async () => {
  machines = await TwoMachines.open();
});
after(() => machines[Symbol.asyncDispose]());

const inBox = { PYRO_CONTEXT: "box" };

interface Status {
  readonly running: boolean;
  readonly pid: number | null;
  readonly home: string;
}

async function statusOf(args: readonly string[]): Promise<Status> {
  return JSON.parse((await machines.pyro(["daemon", "status", "--json", ...args])).stdout) as Status;
}

test("a context leads to the daemon of another machine, which is started there; none runs here", async () => {
  assert.deepEqual(await statusOf(["--context", "box"]).then(({ running, home }) => [running, home]), [
    false,
    machines.far.home,
  ]);
  const { status, stdout } = await machines.pyro(["env", "list", "--context", "box", "--json"]);
  assert.equal(status, 0);
  assert.ok("environments" in (JSON.parse(stdout) as object));
  const far = await statusOf(["--context", "box"]);
  assert.deepEqual([far.running, far.home], [true, machines.far.home]);
  assert.equal((await statusOf([])).running, false);
});

test("a call connects again when the socket, the connection or the daemon there has gone", async () => {
  const { socket, control } = connectionOf("box");
  const { pid } = await statusOf(["--context", "box"]);
  for (const path of [control, socket]) {
    rmSync(path);
    assert.equal((await machines.pyro(["task", "list"], inBox)).status, 0, path);
  }
  assert.equal((await statusOf(["--context", "box"])).pid, pid);
  assert.match((await machines.pyro(["daemon", "stop"], inBox)).stdout, /^Stopped/);
  assert.equal((await statusOf(["--context", "box"])).running, false);
  assert.equal((await machines.pyro(["task", "list"], inBox)).status, 0);
  assert.notEqual((await statusOf(["--context", "box"])).pid, pid);
});

test("the current context is used by commands that name none, and `local` is this machine", async () => {
  await machines.pyro(["context", "use", "box"]);
  assert.equal((await statusOf([])).home, machines.far.home);
  assert.equal((await statusOf(["--context", "local"])).home, machines.near.home);
  const listed = JSON.parse((await machines.pyro(["context", "list", "--json"])).stdout) as { contexts: object[] };
  assert.deepEqual(listed.contexts.slice(0, 2), [
    { name: "local", url: null, current: false },
    { name: "box", url: "ssh://me@box.example:2222", current: true },
  ]);
  await machines.pyro(["context", "use", "local"]);
  assert.equal((await statusOf([])).home, machines.near.home);
});

for (const [host, code] of [
  ["away", "DAEMON_UNREACHABLE"],
  ["nowhere", "DAEMON_UNREACHABLE"],
  ["denied", "REMOTE_DENIED"],
  ["unknown", "REMOTE_DENIED"],
  ["changed", "REMOTE_DENIED"],
] as const) {
  test(`a host that is ${host}: ${code}, with the command to try`, async () => {
    await machines.add(host, `ssh://${host}`);
    const { status, stderr } = await machines.pyro(["env", "list", "--context", host]);
    assert.equal(status, 125);
    assert.match(stderr, new RegExp(`hint: .*ssh.* ${host}`));
    assert.equal(await machines.codeOf(["context", "check", host]), code);
  });
}

const { version } = readContract();
for (const [name, script, code] of [
  ["missing", null, "HOST_NOT_ABLE"],
  ["noise", "echo hello; exit 1", "HOST_NOT_ABLE"],
  ["newer", `echo '{"relay":1,"version":"99.0.0","socket":"/s","running":true}'`, "DAEMON_VERSION"],
  [
    "older",
    `echo '{"error":{"code":"INVALID_ARGUMENT","message":"Unknown","hint":"","details":{}}}'; exit 2`,
    "DAEMON_VERSION",
  ],
  [
    "unable",
    `echo '{"error":{"code":"HOME_UNUSABLE","message":"No","hint":"","details":{}}}'; exit 125`,
    "HOME_UNUSABLE",
  ],
  ["later", `echo '{"relay":2,"version":"${version}"}'`, "HOST_NOT_ABLE"],
] as const) {
  test(`a ${name} pyro on the other machine: ${code}`, async () => {
    const program = script === null ? "/nonexistent/pyro" : machines.program(name, script);
    await machines.add(name, `ssh://${name}.example`, program);
    assert.equal(await machines.codeOf(["task", "list", "--context", name]), code);
  });
}

test("refuses an unknown context, a name that is taken, and a file that the daemon would read", async () => {
  assert.equal(await machines.codeOf(["env", "list", "--context", "bix"]), "NOT_FOUND");
  assert.equal(await machines.codeOf(["context", "add", "box", "ssh://other"]), "ALREADY_EXISTS");
  assert.equal(await machines.codeOf(["context", "add", "new", "box"]), "INVALID_ARGUMENT");
  const file = join(machines.near.directory, "image.tar");
  writeFileSync(file, "");
  assert.equal(await machines.codeOf(["env", "pull", `docker-archive:${file}`], inBox), "FAILED_PRECONDITION");
  const build = ["env", "build", "mine", "--from", `oci:${file}`, "--copy", `${machines.near.directory}/none:/srv`];
  assert.equal(await machines.codeOf(build, inBox), "FAILED_PRECONDITION");
  await machines.add("elsewhere", "ssh://elsewhere.example");
  const noSsh = { PYRO_CONTEXT: "elsewhere", PYRO_SSH: "/nonexistent/ssh" };
  assert.equal(await machines.codeOf(["env", "list"], noSsh), "HOST_NOT_ABLE");
});

test("files of env import and export are those of this machine; nothing of them stays on the other one", async () => {
  const file = join(machines.near.directory, "environment.tar");
  const output = join(machines.near.directory, "output.tar");
  writeFileSync(file, "no archive");
  for (const [line, code] of [
    [["env", "import", file], "ENVIRONMENT_CORRUPT"],
    [["env", "import", `${file}.none`], "SOURCE_UNREADABLE"],
    [["env", "export", "none", "--output", output], "ENVIRONMENT_UNKNOWN"],
    [["env", "export", "none", "--output", file], "FILE_EXISTS"],
  ] as const)
    assert.equal(await machines.codeOf(line, inBox), code, line.join(" "));
  assert.equal(existsSync(output), false);
  assert.deepEqual(readdirSync(join(machines.far.home, "incoming")), []);
});

test("a call ends although ssh's master keeps the standard error of the call that started it", async () => {
  const left = join(machines.near.directory, "left");
  const ssh = machines.near.directory + "/ssh-with-master";
  const script = `#!/bin/sh
[ -e ${left} ] || { sleep 600 </dev/null >/dev/null & echo $! >${left}; }
exec ${machines.env["PYRO_SSH"]} "$@"
`;
  writeFileSync(ssh, script, { mode: 0o755 });
  await machines.add("kept", "ssh://kept.example");
  const { status } = await machines.pyro(["daemon", "status", "--context", "kept"], { PYRO_SSH: ssh });
  // The master has outlived the call.
  assert.ok(kill(Number(readFileSync(left, "utf8"))));
  assert.equal(status, 0);
});

test("a relay carries one stream on standard input and output", async () => {
  const child = spawn(process.execPath, [pyroPath, "relay"], { env: machines.far.env });
  child.stdin.write("GET /openapi.json HTTP/1.1\r\nHost: pyro\r\nConnection: close\r\n\r\n");
  const { status, stdout } = await endOf(child);
  assert.equal(status, 0);
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(stdout.includes('"openapi"'));
});

test("the MCP server and Python work on a context", async () => {
  const env = { ...process.env, ...machines.env, ...inBox };
  await using connected = await connectStdio(env, "standard");
  const { tasks } = await connected.result<{ tasks: unknown[] }>("task_list");
  assert.deepEqual(tasks, []);
  const script = `
import asyncio
from pyro_mcp import AsyncPyro, Pyro, PyroError
print(Pyro(context="box").list_tasks()["tasks"])
print(asyncio.run(AsyncPyro(context="box").list_tasks())["tasks"])
try:
    Pyro(context="none").list_tasks()
except PyroError as error:
    print(error.code)
`;
  const asked = await python(["-c", script], { ...machines.env, PYRO_EXECUTABLE: pyroPath });
  assert.equal(asked.stdout, "[]\n[]\nNOT_FOUND\n", asked.stderr);
});

test("a context that is removed leaves no connection", async () => {
  const { socket, control } = connectionOf("box");
  await machines.pyro(["env", "list"], inBox);
  assert.deepEqual([socket, control].map(existsAs), [true, true]);
  await machines.pyro(["context", "remove", "box"]);
  assert.equal(await machines.codeOf(["env", "list"], inBox), "NOT_FOUND");
  assert.deepEqual([socket, control].map(existsAs), [false, false]);
});

/** The files of this machine's connection to another one. */
function connectionOf(name: string) {
  const home = openHome(machines.env);
  return placeOf(asSsh(findContext(readContexts(home.path), name)), home, machines.env);
}

/** True for a link that leads nowhere, too. */
function existsAs(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

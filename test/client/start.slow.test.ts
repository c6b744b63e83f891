import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { startDaemon } from "../../src/client/start.js";
import type { PyroError } from "../../src/contract/errors.js";
import { readContract } from "../../src/contract/rendered.js";
import { openHome } from "../../src/host/home.js";
import { Listening, resultOf } from "../daemon/listening.js";
import { endOf, environmentOf, processesOf, Scratch, until } from "./scratch.js";

interface Status {
  running: boolean;
  pid: number;
}

async function statusOf(scratch: Scratch): Promise<Status> {
  return JSON.parse((await scratch.pyro(["daemon", "status", "--json"])).stdout) as Status;
}

test("ten clients at once start one daemon", async () => {
  await using scratch = new Scratch();
  const calls = Array.from({ length: 10 }, () => scratch.pyro(["env", "list"]));
  for (const { status, stderr } of await Promise.all(calls)) assert.equal(status, 0, stderr);
  const { pid } = await statusOf(scratch);
  await until("only the daemon is left", () => processesOf(scratch.home).length === 1);
  assert.deepEqual(processesOf(scratch.home), [pid]);
  const log = readFileSync(join(scratch.home, "daemon.log"), "utf8");
  assert.equal(log.match(/"msg":"listening"/g)?.length, 1);
});

test("after kill -9 of the daemon the next call starts a new one", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["env", "list"]);
  const { pid } = await statusOf(scratch);
  process.kill(pid, "SIGKILL");
  const { status, stderr } = await scratch.pyro(["env", "list"]);
  assert.equal(status, 0, stderr);
  assert.notEqual((await statusOf(scratch)).pid, pid);
});

test("the socket is private, and the daemon keeps no secrets of the client that started it", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["env", "list"], { env: { AWS_SECRET_ACCESS_KEY: "x", NODE_OPTIONS: "--no-warnings" } });
  const runtime = join(scratch.directory, "pyro", readdirSync(join(scratch.directory, "pyro"))[0] ?? "");
  assert.equal(statSync(runtime).mode & 0o777, 0o700);
  assert.equal(statSync(join(runtime, "daemon.sock")).mode & 0o777, 0o600);
  assert.equal(statSync(scratch.home).mode & 0o777, 0o700);
  assert.equal(statSync(join(scratch.home, "daemon.log")).mode & 0o777, 0o600);
  const names = environmentOf((await statusOf(scratch)).pid).map((entry) => entry.split("=")[0]);
  assert.ok(names.includes("PYRO_HOME"));
  assert.ok(!names.includes("AWS_SECRET_ACCESS_KEY") && !names.includes("NODE_OPTIONS"));
});

test("the daemon keeps the variables that name certificates and logins of registries, as absolute paths", async () => {
  await using scratch = new Scratch();
  const names = ["DOCKER_CONFIG", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];
  await scratch.pyro(["env", "list"], { env: Object.fromEntries(names.map((name) => [name, `own/${name}`])) });
  const kept = environmentOf((await statusOf(scratch)).pid);
  for (const name of names) assert.ok(kept.includes(`${name}=${join(scratch.directory, "own", name)}`), name);
});

test("an idle daemon ends and leaves no socket", async () => {
  await using scratch = new Scratch({ PYRO_DAEMON_IDLE_SECONDS: "1" });
  await scratch.pyro(["env", "list"]);
  await until("the daemon has ended", () => processesOf(scratch.home).length === 0);
  const runtime = join(scratch.directory, "pyro", readdirSync(join(scratch.directory, "pyro"))[0] ?? "");
  assert.ok(!existsSync(join(runtime, "daemon.sock")));
});

test("status and stop start no daemon", async () => {
  await using scratch = new Scratch();
  assert.equal((await statusOf(scratch)).running, false);
  const { status, stdout } = await scratch.pyro(["daemon", "stop", "--json"]);
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), { pid: null, stopped: false, saved: [], unsaved: [] });
  assert.deepEqual(processesOf(scratch.home), []);
});

test("`daemon start` starts a daemon and prints where it listens, and leaves a running one alone", async () => {
  await using scratch = new Scratch();
  const start = async () => JSON.parse((await scratch.pyro(["daemon", "start", "--json"])).stdout) as Status;
  const { running, pid } = await start();
  assert.equal(running, true);
  assert.deepEqual(processesOf(scratch.home), [pid]);
  assert.equal((await start()).pid, pid);
});

test("stop returns when the process is gone", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["env", "list"]);
  const { pid } = await statusOf(scratch);
  const { status, stdout } = await scratch.pyro(["daemon", "stop", "--json"]);
  assert.equal(status, 0);
  assert.deepEqual(JSON.parse(stdout), { pid, stopped: true, saved: [], unsaved: [] });
  assert.deepEqual(processesOf(scratch.home), []);
});

test("a large log is renamed when the daemon starts", async () => {
  await using scratch = new Scratch();
  mkdirSync(scratch.home, { mode: 0o700 });
  writeFileSync(join(scratch.home, "daemon.log"), Buffer.alloc(6 * 1024 * 1024, "x\n"));
  await scratch.pyro(["env", "list"]);
  assert.ok(statSync(join(scratch.home, "daemon.log.1")).size > 5 * 1024 * 1024);
  assert.ok(statSync(join(scratch.home, "daemon.log")).size < 10_000);
});

test("a daemon that cannot start: the client throws the reason", async () => {
  await using scratch = new Scratch();
  const { status, stdout } = await scratch.pyro(["env", "list", "--json"], {
    env: { PYRO_DAEMON_IDLE_SECONDS: "soon" },
  });
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "INVALID_ARGUMENT");
  assert.equal(status, 2);
});

test("a home that cannot be used is refused with a next step", async (t) => {
  await using scratch = new Scratch();
  const file = join(scratch.directory, "file");
  const foreign = join(scratch.directory, "foreign");
  const shared = join(scratch.directory, "shared");
  const deep = join(scratch.directory, "r".repeat(100));
  mkdirSync(deep);
  writeFileSync(file, "");
  mkdirSync(foreign);
  mkdirSync(shared, { mode: 0o755 });
  writeFileSync(join(shared, "precious"), "");
  const homes: Record<string, { home: string; runtime?: string }> = {
    "a file": { home: file },
    "beneath a file": { home: join(file, "home") },
    "beneath what holds no files": { home: "/proc/pyro/home" },
    "in use for something else": { home: shared },
    "too long for a socket": { home: join(scratch.directory, "another"), runtime: deep },
  };
  if (process.getuid?.() === 0) {
    chownSync(foreign, 65_534, 65_534);
    homes["somebody else's"] = { home: foreign };
  }
  for (const [what, { home, runtime = scratch.directory }] of Object.entries(homes)) {
    await t.test(what, async () => {
      const env = { PYRO_HOME: home, XDG_RUNTIME_DIR: runtime };
      const { status, stdout, stderr } = await scratch.pyro(["env", "list", "--json"], { env });
      assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "HOME_UNUSABLE");
      assert.equal(status, 125);
      assert.equal(stderr, "");
      assert.deepEqual(processesOf(home), []);
    });
  }
  assert.equal(statSync(shared).mode & 0o777, 0o755);
});

test("a daemon whose socket is removed listens again, with or without the directory", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["env", "list"]);
  const { pid } = await statusOf(scratch);
  const parent = join(scratch.directory, "pyro");
  for (const gone of [join(parent, readdirSync(parent)[0] ?? "", "daemon.sock"), parent]) {
    rmSync(gone, { recursive: true });
    const { status, stderr } = await scratch.pyro(["env", "list"]);
    assert.equal(status, 0, stderr);
    assert.equal((await statusOf(scratch)).pid, pid);
  }
});

test("a daemon whose home is removed ends", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["env", "list"]);
  rmSync(scratch.home, { recursive: true });
  await until("the daemon has ended", () => processesOf(scratch.home).length === 0);
});

test("a lock that another process holds: the error names the process and how to end it", async () => {
  await using scratch = new Scratch();
  const home = openHome(scratch.env);
  const holder = spawn("flock", ["-F", home.daemonLock, "sh", "-c", "echo held; exec cat"]);
  const ended = once(holder, "close");
  try {
    await once(holder.stdout, "data");
    await assert.rejects(startDaemon(home, { ...process.env, ...scratch.env }, 500), (error: PyroError) => {
      assert.deepEqual([error.code, error.details["pid"]], ["DAEMON_UNREACHABLE", holder.pid]);
      assert.ok(error.hint.includes(`kill ${holder.pid}`), error.hint);
      return true;
    });
  } finally {
    holder.stdin.end();
    await ended;
  }
});

test("a client of another version replaces an idle daemon and repeats its call", async () => {
  await using older = new Listening(async () => resultOf(0), { version: "0.0.1" });
  await using scratch = new Scratch({ PYRO_HOME: older.home.path, XDG_RUNTIME_DIR: older.directory });
  const { status, stderr } = await scratch.pyro(["env", "list"]);
  assert.equal(status, 0, stderr);
  await older.lifetime.ended;
  assert.equal((await statusOf(scratch)).running, true);
});

test("a client of another version does not end a busy daemon, and its error has both versions", async () => {
  await using older = new Listening(async () => resultOf(0), { version: "0.0.1" });
  older.vmsInUse = 1;
  await using scratch = new Scratch({ PYRO_HOME: older.home.path, XDG_RUNTIME_DIR: older.directory });
  const { status, stderr } = await scratch.pyro(["env", "list"]);
  assert.equal(status, 125);
  assert.match(stderr, /0\.0\.1/);
  assert.match(stderr, new RegExp(readContract().version.replaceAll(".", "\\.")));
  older.lifetime.stop("the test is over");
  await older.lifetime.ended;
});

test("a daemon that finds the process of a VM without a record ends the process, and starts", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["daemon", "stop"]);
  const stray = spawn("sh", ["-c", "read line", join(scratch.home, "vms", "vm-0123456789ab")]);
  const ended = endOf(stray);
  const { status, stderr } = await scratch.pyro(["env", "list"]);
  assert.equal(status, 0, stderr);
  assert.equal((await ended).status, null);
});

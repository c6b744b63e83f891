import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Client } from "../../src/client/client.js";
import { mayCall } from "../../src/daemon/audit.js";
import { PyroError } from "../../src/contract/errors.js";
import { isRoot } from "../../src/host/platform.js";
import { Listening, resultOf } from "./listening.js";

interface Line {
  readonly event: string;
  readonly call: number;
  readonly operation: string;
  readonly uid: number;
  readonly pid: number;
  readonly result?: string;
  readonly [field: string]: unknown;
}

function linesOf({ home }: Listening): Line[] {
  const text = readFileSync(home.auditLog, "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

test("the audit log has who, what and the result of every call, and nothing secret", async () => {
  await using daemon = new Listening(async (_core, { environment }) => {
    if (environment === "unknown") throw new PyroError("ENVIRONMENT_UNKNOWN", "There is no such environment.");
    return { ...resultOf(3), stdout: "output of SECRET" };
  });
  const client = new Client(daemon.env);
  const secret = { command: "echo SECRET", env: { TOKEN: "SECRET" }, cwd: "/SECRET" };
  await client.call("vm.run", { environment: "debian:12", network: true, ...secret });
  await assert.rejects(client.call("vm.run", { environment: "unknown", ...secret }));
  await assert.rejects(client.call("vm.run", { environment: "", ...secret }));
  const lines = linesOf(daemon);
  assert.deepEqual(
    lines.map(({ event, operation, result, exit_code }) => [event, operation, result, exit_code]),
    [
      ["call", "vm.run", undefined, undefined],
      ["result", "vm.run", "ok", 3],
      ["call", "vm.run", undefined, undefined],
      ["result", "vm.run", "ENVIRONMENT_UNKNOWN", undefined],
      ["result", "vm.run", "INVALID_ARGUMENT", undefined],
    ],
  );
  for (const { uid, pid } of lines) assert.deepEqual([uid, pid], [process.geteuid!(), process.pid]);
  assert.deepEqual(
    [lines[0]!["environment"], lines[0]!["network"], lines[0]!.call],
    ["debian:12", true, lines[1]!.call],
  );
  assert.doesNotMatch(readFileSync(daemon.home.auditLog, "utf8"), /SECRET/);
  assert.equal(statSync(daemon.home.auditLog).mode & 0o777, 0o600);
});

/** Sends a request from another process and prints what comes back. */
const CALL = `
  const { connect } = require("node:net");
  const socket = connect(process.argv[1], () => socket.write("GET /openapi.json HTTP/1.1\\r\\nhost: pyro\\r\\nconnection: close\\r\\n\\r\\n"));
  socket.on("data", (data) => process.stdout.write(data));
  socket.on("error", (error) => process.stdout.write("error: " + error.code));
`;

function callAs(uid: number, node: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(node, ["-e", CALL, path], { uid, gid: uid, cwd: "/", encoding: "utf8" }, (_, stdout) =>
      resolve(stdout),
    );
    child.stdin?.end();
  });
}

test("another user is not served even where the modes of socket and directory let him connect", async () => {
  await using daemon = new Listening(async () => resultOf(0));
  const client = new Client(daemon.env);
  await client.call("vm.run", { environment: "debian:12", command: "true" });
  const own = process.geteuid!();
  assert.deepEqual(
    [mayCall({ pid: 1, uid: own, gid: 0 }, own), mayCall({ pid: 1, uid: 0, gid: 0 }, own)],
    [true, true],
  );
  assert.equal(mayCall({ pid: 1, uid: 65_534, gid: 0 }, own), false);
  const { daemonSocket, runtime } = daemon.home;
  assert.match(await callAs(own, process.execPath, daemonSocket), /^HTTP\/1.1 200/);
  // Only root can become another user.
  if (!isRoot()) return;
  for (const path of [daemon.directory, join(daemon.directory, "pyro"), runtime]) chmodSync(path, 0o755);
  chmodSync(daemonSocket, 0o666);
  const programs = join(daemon.directory, "programs");
  mkdirSync(programs, { mode: 0o755 });
  copyFileSync(process.execPath, join(programs, "node"));
  assert.doesNotMatch(await callAs(65_534, join(programs, "node"), daemonSocket), /HTTP/);
  const refused = linesOf(daemon).filter(({ event }) => event === "refused");
  assert.deepEqual(
    refused.map(({ uid }) => uid),
    [65_534],
  );
});

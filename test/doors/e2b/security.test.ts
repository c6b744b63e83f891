import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { readKey, replaceKey } from "../../../src/doors/e2b/home.js";
import { signLink } from "../../../src/doors/e2b/files/signature.js";
import { envelope, Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
let other: Handle;
before(async () => {
  served = await Served.open();
  [sandbox, other] = [await served.create(), await served.create()];
});
after(() => served[Symbol.asyncDispose]());

test("key: lies in a file of mode 0600, has the form that older SDKs check, and is refused when others can read it", async () => {
  assert.match(served.key, /^e2b_[0-9a-f]{40}$/);
  assert.equal(statSync(served.home.key).mode & 0o777, 0o600);
  chmodSync(served.home.key, 0o644);
  await assert.rejects(readKey(served.home), { code: "HOME_UNUSABLE" });
  chmodSync(served.home.key, 0o600);
});

test("control: a missing, empty, wrong or cut key is 401, and the body repeats the status", async () => {
  for (const key of [undefined, "", "e2b_0", served.key.slice(0, -1), `${served.key}0`, sandbox.token]) {
    const headers = key === undefined ? {} : { "x-api-key": key };
    const { status, body } = await served.ask("GET", "/v2/sandboxes", { headers });
    assert.equal(status, 401);
    assert.equal(body.code, 401);
  }
});

test("key: a gateway that runs takes the new key and refuses the old one as soon as it was replaced", async () => {
  const old = served.key;
  served.key = await replaceKey(served.home);
  assert.notEqual(served.key, old);
  assert.equal((await served.control("GET", "/v2/sandboxes")).status, 200);
  assert.equal((await served.ask("GET", "/v2/sandboxes", { headers: { "x-api-key": old } })).status, 401);
});

test("any request: an Origin, or a Host other than loopback, is 403, also with the right key", async () => {
  const hosts = [
    "evil.test",
    "evil.test:49900",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "127.999.0.1",
    "10.0.0.1",
    "[::2]",
  ];
  for (const host of hosts) {
    for (const given of [{ "x-api-key": served.key }, sandbox.headers]) {
      const { status } = await served.ask("GET", "/v2/sandboxes", { headers: { ...given, host } });
      assert.equal(status, 403, host);
    }
  }
  const headers = { "x-api-key": served.key, origin: "http://localhost:3000" };
  assert.equal((await served.ask("GET", "/v2/sandboxes", { headers })).status, 403);
  for (const host of ["localhost", `localhost:${served.port}`, "127.0.0.1", "[::1]:1", "api.localhost"]) {
    const { status, headers } = await served.ask("GET", "/v2/sandboxes", {
      headers: { "x-api-key": served.key, host },
    });
    assert.equal(status, 200, host);
    assert.equal(headers["access-control-allow-origin"], undefined);
  }
});

test("sandbox: one routing header alone, and ones of another form, are 400", async () => {
  const given: Record<string, string>[] = [
    { "e2b-sandbox-id": sandbox.id },
    { "e2b-sandbox-port": "49983" },
    { "e2b-sandbox-id": "../x", "e2b-sandbox-port": "49983" },
    { "e2b-sandbox-id": "a-b", "e2b-sandbox-port": "49983" },
    { "e2b-sandbox-id": sandbox.id, "e2b-sandbox-port": "0" },
    { "e2b-sandbox-id": sandbox.id, "e2b-sandbox-port": "65536" },
    { "e2b-sandbox-id": sandbox.id, "e2b-sandbox-port": "x" },
  ];
  for (const routing of given) {
    const headers = { ...routing, "x-access-token": sandbox.token, "x-api-key": served.key };
    assert.equal((await served.ask("GET", "/envs", { headers })).status, 400, JSON.stringify(routing));
  }
  assert.equal(
    (await served.ask("POST", "/process.Process/List", { headers: { "x-api-key": served.key } })).status,
    400,
  );
});

test("sandbox: another sandbox's token, the key and no token are 401 for every call, and nothing is done", async () => {
  const before = served.pyro.calls.length;
  for (const token of [other.token, served.key, "", undefined]) {
    const { "x-access-token": _, ...rest } = sandbox.headers;
    const headers: Record<string, string> = { ...rest, "content-type": "application/json" };
    if (token !== undefined) headers["x-access-token"] = token;
    for (const path of [
      "/process.Process/List",
      "/filesystem.Filesystem/Stat",
      "/files?path=/etc/passwd",
      "/envs",
      "/metrics",
    ]) {
      const method = path.startsWith("/f") && path.includes("?") ? "GET" : path.includes(".") ? "POST" : "GET";
      assert.equal((await served.ask(method, path, { headers })).status, 401, path);
    }
  }
  assert.equal(served.pyro.calls.length, before);
});

test("sandbox: an unknown id is 502 with that id, also for /health", async () => {
  const headers = { ...sandbox.headers, "e2b-sandbox-id": "inope" };
  for (const path of ["/health", "/files?path=x", "/"]) {
    const { status, body } = await served.ask("GET", path, { headers });
    assert.deepEqual([status, body], [502, { sandboxId: "inope", message: "The sandbox was not found", code: 502 }]);
  }
  assert.equal((await sandbox.ask("GET", "/health")).status, 204);
});

test("link: foreign, changed and expired signatures are 401; a good one needs no header", async () => {
  const path = served.home.key;
  const link = { path, operation: "read" as const, username: "root", expiration: null };
  const query = (signature: string, more: Record<string, string> = {}) =>
    `/files?${new URLSearchParams({ path, username: "root", signature, ...more })}`;
  const good = signLink(link, sandbox.token);
  assert.equal((await served.ask("GET", query(good))).bytes.toString("utf8").trim(), served.key);
  assert.equal((await served.ask("GET", query(signLink(link, "0")))).status, 401);
  assert.equal((await served.ask("POST", query(good), { body: Buffer.from("x") })).status, 401);
  assert.equal((await served.ask("GET", query(good).replace("root", "other"))).status, 401);
  assert.equal((await served.ask("GET", query(`${good}=`))).status, 401);
  const past = String(Math.floor(Date.now() / 1000) - 5);
  const expired = query(signLink({ ...link, expiration: past }, sandbox.token), { signature_expiration: past });
  const { status, body } = await served.ask("GET", expired);
  assert.deepEqual([status, body], [401, { code: 401, message: "signature is already expired" }]);
  assert.equal((await served.ask("GET", query(good, { signature_expiration: "9999999999" }))).status, 401);
  // A signature of another sandbox does not open this one, even when the headers name it.
  const { status: foreign } = await sandbox.ask("GET", query(signLink(link, other.token)));
  assert.equal(foreign, 401);
});

test("messages: oversized, cut, compressed and foreign ones are refused, and the gateway continues", async () => {
  const headers = { "content-type": "application/connect+json" };
  const send = (body: Buffer, given = headers) =>
    sandbox.ask("POST", "/process.Process/Start", { body, headers: given });
  const huge = Buffer.alloc(5);
  huge.writeUInt32BE(0xffff_ffff, 1);
  assert.equal((await send(huge)).body.code, "resource_exhausted");
  assert.equal((await send(Buffer.alloc(17_000_000))).status, 429);
  assert.equal((await send(envelope({}).subarray(0, 6))).body.code, "invalid_argument");
  const compressed = envelope({});
  compressed[0] = 1;
  assert.equal((await send(compressed)).body.code, "unimplemented");
  assert.equal((await send(envelope({}), { "content-type": "application/grpc" })).status, 415);
  assert.equal((await send(envelope([]))).body.code, "invalid_argument");
  const long = await served.ask("POST", "/v2/sandboxes", {
    body: Buffer.alloc(1_100_000),
    headers: { "x-api-key": served.key },
  });
  assert.equal(long.status, 413);
  assert.equal((await sandbox.run("echo alive")).stdout, "alive\n");
});

test("paths: NULs, overlong and unclean ones stay within the guest's file system", async () => {
  const stat = (path: string) => sandbox.call("filesystem.Filesystem/Stat", { path });
  assert.equal((await stat("/etc/passwd\0x")).body.code, "invalid_argument");
  assert.equal((await stat("x".repeat(5000))).body.code, "invalid_argument");
  assert.equal((await stat("/../../../etc/./passwd")).body.entry.path, "/etc/passwd");
  assert.equal((await stat("~/../../nope")).body.code, "not_found");
  assert.equal((await stat("/etc/passwd/x")).body.code, "invalid_argument");
});

test("users: a name that a shell could misread is 401, and reaches no shell", async () => {
  const before = served.pyro.calls.length;
  for (const user of ["$(id)", "a b", "../x", "", "root;id", "-x", "~"]) {
    const authorization = `Basic ${Buffer.from(`${user}:`).toString("base64")}`;
    const { status } = await sandbox.ask("GET", "/files?path=/etc/passwd", { headers: { authorization } });
    assert.equal(status, 401, user);
  }
  assert.equal(served.pyro.calls.length, before);
  const headers = { authorization: `Basic ${Buffer.from("ghost:").toString("base64")}` };
  const { body } = await sandbox.ask("POST", "/filesystem.Filesystem/Stat", {
    body: { path: "/" },
    headers: { "content-type": "application/json", ...headers },
  });
  assert.deepEqual(body, { code: "unauthenticated", message: "invalid username: 'ghost'" });
});

test("half a character, in any field, is refused and reaches no guest; a whole one, and its escape as text, are fine", async () => {
  const stat = (path: string) =>
    sandbox.ask("POST", "/filesystem.Filesystem/Stat", {
      body: Buffer.from(`{"path":"${path}"}`),
      headers: { "content-type": "application/json" },
    });
  for (const half of ["\\ud800", "/tmp/\\uDFFFx", "\\ud83d\\\\", "\\\\\\ud800"])
    assert.equal((await stat(half)).body.code, "invalid_argument", half);
  for (const whole of ["/no/\\ud83d\\ude00", "/no/\\\\ud800"])
    assert.equal((await stat(whole)).body.code, "not_found", whole);
  const headers = { "x-api-key": served.key };
  const body = Buffer.from('{"templateID":"base","metadata":{"a":"\\udc00"}}');
  assert.equal((await served.ask("POST", "/v2/sandboxes", { body, headers })).status, 400);
});

test("create: variables that no process can have, and fields without an end, do not pass", async () => {
  for (const envVars of [{ "A=B": "x" }, { "": "x" }, { A: "x\0" }]) {
    const { status, body } = await served.control("POST", "/v2/sandboxes", { templateID: "base", envVars });
    assert.equal(status, 400);
    assert.match(body.message, /envVars/);
  }
  const deep = `${"[".repeat(400_000)}${"]".repeat(400_000)}`;
  const body = Buffer.from(`{"templateID":"base","network":{"unknown":${deep}}}`);
  const made = await served.ask("POST", "/v2/sandboxes", { body, headers: { "x-api-key": served.key } });
  assert.equal(made.status, 201);
  const detail = await served.control("GET", `/sandboxes/${made.body.sandboxID}`);
  assert.deepEqual(detail.body.network, {});
  await served.control("DELETE", `/sandboxes/${made.body.sandboxID}`);
});

test("names: those of JavaScript's own objects are names as any other, or refused", async () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty:valueOf"]) {
    const { status, body } = await served.control("POST", "/v2/sandboxes", { templateID: name });
    assert.deepEqual([status, body.message], [404, `template '${name}' not found`]);
    assert.equal((await served.control("GET", `/templates/aliases/${name.split(":")[0]}`)).status, 404);
  }
  assert.equal((await served.control("POST", "/v3/templates", { name: "x", tags: ["__proto__"] })).status, 400);
  for (const signal of ["constructor", "toString", "__proto__"]) {
    const sent = await sandbox.call("process.Process/SendSignal", { process: { pid: 1 }, signal });
    assert.ok(["unimplemented", "not_found"].includes(sent.body.code), sent.body.code);
  }
});

test("another user of this host reads neither key nor tokens, and gets 401 from the gateway", async () => {
  // Only root can become another user.
  if (process.geteuid!() !== 0) return;
  const program = `
    import { readFileSync } from "node:fs";
    const [port, id, ...paths] = process.argv.slice(1);
    for (const path of paths) try { readFileSync(path); console.log("read"); } catch ({ code }) { console.log(code); }
    const routed = { "e2b-sandbox-id": id, "e2b-sandbox-port": "49983" };
    for (const [path, headers] of [["/v2/sandboxes", {}], ["/files?path=/etc/passwd", routed]])
      console.log((await fetch("http://127.0.0.1:" + port + path, { headers })).status);`;
  // The directory of the tests is open; that of the home is not.
  chmodSync(served.directory, 0o755);
  const node = join(served.directory, "node");
  copyFileSync(process.execPath, node);
  const record = join(served.home.sandboxes, `${sandbox.id}.json`);
  const args = ["--input-type=module", "-e", program, String(served.port), sandbox.id, served.home.key, record];
  const run = (uid: number) => promisify(execFile)(node, args, { uid, gid: uid, cwd: "/", env: {} });
  assert.equal((await run(0)).stdout, "read\nread\n401\n401\n");
  assert.equal((await run(65_534)).stdout, "EACCES\nEACCES\n401\n401\n");
});

test("connections: one without a request stays open for longer than SDKs keep theirs, so that none of them uses one that is closing", async () => {
  // Python's SDK keeps idle connections for 300 s.
  const { headers } = await served.ask("GET", "/health", { headers: { connection: "keep-alive" } });
  assert.ok(Number(/timeout=(\d+)/.exec(String(headers["keep-alive"]))?.[1]) > 300, String(headers["keep-alive"]));
});

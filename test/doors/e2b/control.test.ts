import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../../src/contract/errors.js";
import { Served } from "./served.js";

let served: Served;
before(async () => void (served = await Served.open()));
after(() => served[Symbol.asyncDispose]());

const endOf = async (id: string) => Date.parse((await served.control("GET", `/sandboxes/${id}`)).body.endAt);

test("create: answers 201 with an id of letters and digits and a token, in both versions of the route", async () => {
  for (const [route, seconds] of [
    ["/v2/sandboxes", 300],
    ["/sandboxes", 15],
  ] as const) {
    const startMs = Date.now();
    const { status, body } = await served.control("POST", route, { templateID: "base", secure: false });
    assert.equal(status, 201);
    assert.match(body.sandboxID, /^i[a-z0-9]{19}$/);
    assert.match(body.envdAccessToken, /^[0-9a-f]{64}$/);
    assert.equal(body.envdVersion, "0.6.4");
    const end = await endOf(body.sandboxID);
    assert.ok(end >= startMs + seconds * 1000 && end <= Date.now() + seconds * 1000);
    await served.control("DELETE", `/sandboxes/${body.sandboxID}`);
  }
});

test("create: refuses what is not supported with 400 and names the field, and makes no task", async () => {
  const before = served.pyro.tasks.size;
  const refused = {
    "network.denyOut": { network: { denyOut: ["example.org"] } },
    "network.allowOut": { network: { allowOut: ["example.org"], denyOut: ["8.8.8.8"] } },
    "network.egressProxy": { network: { egressProxy: { address: "x" } } },
    "network.rules": { network: { rules: { "example.org": [] } } },
    maskRequestHost: { network: { maskRequestHost: "x\r\ny: z" } },
    "network.httpsPorts": { network: { httpsPorts: [443] } },
    iam: { iam: { tokens: { x: {} } } },
    volumeMounts: { volumeMounts: [{ name: "v", path: "/v" }] },
    autoPauseMemory: { autoPauseMemory: false },
    autoResume: { autoPause: true, autoPauseMemory: false, autoResume: { enabled: true } },
    timeout: { timeout: 1e9 },
    metadata: { metadata: { x: 1 } },
    templateID: { templateID: 7 },
  };
  for (const [field, fields] of Object.entries(refused)) {
    const { status, body } = await served.control("POST", "/v2/sandboxes", { templateID: "base", ...fields });
    assert.equal(status, 400, field);
    assert.equal(body.code, 400);
    assert.ok(body.message.includes(field), body.message);
  }
  assert.equal(served.pyro.tasks.size, before);
  const unknown = await served.control("POST", "/v2/sandboxes", { templateID: "nope" });
  assert.deepEqual([unknown.status, unknown.body.message], [404, "template 'nope' not found"]);
});

test("create: the template of MCP servers is a common one; the SDK starts its server by itself", async () => {
  const sandbox = await served.create({ templateID: "mcp-gateway", mcp: { x: {} } });
  const user = served.pyro.inputsOf("env.build").at(-1)!;
  assert.equal(user["from"], "debian:12");
  assert.equal(served.pyro.inputsOf("task.create").at(-1)!["environment"], user["name"]);
  await served.control("DELETE", `/sandboxes/${sandbox.id}`);
});

test("templates: an environment is given the user once, and again when its result is gone", async () => {
  const builds = () => served.pyro.inputsOf("env.build").length;
  const [before, created] = [builds(), () => served.pyro.inputsOf("task.create").at(-1)!];
  writeFileSync(served.home.templates, JSON.stringify({ other: "debian:13" }));
  const made = await Promise.all([1, 2].map(() => served.create({ templateID: "other" })));
  assert.equal(builds(), before + 1);
  const { name, from, user, run } = served.pyro.inputsOf("env.build").at(-1)!;
  assert.deepEqual([from, user], ["debian:13", "root"]);
  assert.match((run as string[])[0]!, /useradd .* user/);
  assert.deepEqual([created()["environment"], created()["setup"]], [name, undefined]);

  served.pyro.environments.splice(served.pyro.environments.indexOf(String(name)), 1);
  made.push(await served.create({ templateID: "other" }));
  assert.equal(builds(), before + 2);
  served.pyro.onBuild = () => {
    throw new PyroError("ENVIRONMENT_BUILD_FAILED", "no useradd");
  };
  writeFileSync(served.home.templates, JSON.stringify({ other: "alpine" }));
  for (const _ of [1, 2]) {
    const { status, body } = await served.control("POST", "/v2/sandboxes", { templateID: "other" });
    assert.deepEqual([status, body.message], [500, "no useradd"]);
  }
  served.pyro.onBuild = () => {};
  made.push(await served.create({ templateID: "other" }));
  for (const { id } of made) await served.control("DELETE", `/sandboxes/${id}`);
  writeFileSync(served.home.templates, "{}");
});

test("templates: a file maps names to environments, and a broken file is an error", async () => {
  const file = { mine: "debian:12", big: { environment: "debian:12", mem_mib: 2048, setup: "true" } };
  writeFileSync(served.home.templates, JSON.stringify(file));
  const sandbox = await served.create({ templateID: "big:v1" });
  const { environment, mem_mib, setup } = served.pyro.inputsOf("task.create").at(-1)!;
  assert.deepEqual({ environment, mem_mib, setup }, { environment: "debian:12", mem_mib: 2048, setup: "true" });
  await served.control("DELETE", `/sandboxes/${sandbox.id}`);
  writeFileSync(served.home.templates, JSON.stringify({ mine: 5 }));
  assert.equal((await served.control("POST", "/v2/sandboxes", { templateID: "mine" })).status, 500);
  writeFileSync(served.home.templates, "{}");
});

test("list: filters by state, metadata, start and template, and pages without a gap", async () => {
  const made = [];
  for (let index = 0; index < 5; index += 1)
    made.push(await served.create({ metadata: { "a b": "c&d", n: String(index) } }));
  await served.control("POST", `/sandboxes/${made[4]!.id}/pause`);
  const metadata = encodeURIComponent(`${encodeURIComponent("a b")}=${encodeURIComponent("c&d")}`);
  const list = (query: string) => served.control("GET", `/v2/sandboxes?metadata=${metadata}&${query}`);
  const ids = ({ body }: { body: any }) => body.map(({ sandboxID }: { sandboxID: string }) => sandboxID);
  assert.deepEqual(
    ids(await list("order=asc")),
    made.map(({ id }) => id),
  );
  assert.deepEqual(ids(await list("state=paused")), [made[4]!.id]);
  assert.deepEqual(ids(await list("state=running&template=nope")), []);
  assert.deepEqual(ids(await list(`startedAfter=${encodeURIComponent("2999-01-01T00:00:00Z")}`)), []);
  const seen: string[] = [];
  for (let next: string | undefined = ""; next !== undefined;) {
    const page = await list(`limit=2&nextToken=${next}`);
    assert.ok(page.body.length <= 2);
    seen.push(...ids(page));
    next = page.headers["x-next-token"] as string | undefined;
  }
  assert.deepEqual(seen, made.map(({ id }) => id).toReversed());
  for (const query of ["limit=0", "limit=x", "state=dead", "order=up"])
    assert.equal((await list(query)).status, 400, query);
  for (const { id } of made) assert.equal((await served.control("DELETE", `/sandboxes/${id}`)).status, 204);
});

test("list: version 1 of the route, which has no pages, answers with all", async () => {
  const made = await Promise.all(Array.from({ length: 101 }, () => served.create({ metadata: { many: "yes" } })));
  assert.equal((await served.control("GET", "/sandboxes?metadata=many%3Dyes")).body.length, 101);
  assert.equal((await served.control("GET", "/v2/sandboxes?metadata=many%3Dyes")).body.length, 100);
  await Promise.all(made.map(({ id }) => served.control("DELETE", `/sandboxes/${id}`)));
});

test("time-outs: timeout replaces, refreshes and connect only lengthen, and the end kills", async () => {
  const { id, ...sandbox } = await served.create({ timeout: 100 });
  const left = async () => Math.round(((await endOf(id)) - Date.now()) / 1000);
  const post = (route: string, body: object) => served.control("POST", `/sandboxes/${id}/${route}`, body);
  assert.equal((await post("timeout", { timeout: 50 })).status, 204);
  assert.ok((await left()) <= 50);
  await post("refreshes", { duration: 10 });
  assert.ok((await left()) > 40);
  assert.equal((await post("connect", { timeout: 500 })).status, 200);
  assert.ok((await left()) > 490);
  assert.equal((await post("connect", { timeout: 5 })).status, 200);
  assert.ok((await left()) > 490);
  assert.equal((await post("timeout", { timeout: 1.5 })).status, 400);
  assert.equal((await post("timeout", { timeout: -5 })).status, 204);
  while ((await served.control("GET", `/sandboxes/${id}`)).status !== 404) await sleep(10);
  assert.equal((await served.control("DELETE", `/sandboxes/${id}`)).status, 404);
  assert.ok(sandbox);
});

test("pause and resume: states, statuses, and a request that resumes by itself", async () => {
  const sandbox = await served.create();
  const post = (route: string, body: object = {}) => served.control("POST", `/sandboxes/${sandbox.id}/${route}`, body);
  assert.equal((await post("resume")).status, 409);
  assert.equal((await post("pause", { memory: "no" })).status, 400);
  assert.equal((await post("pause")).status, 204);
  assert.equal((await post("pause")).status, 409);
  assert.equal((await sandbox.ask("GET", "/health")).status, 502);
  assert.equal((await post("connect", { timeout: 60 })).status, 201);
  assert.equal((await sandbox.ask("GET", "/health")).status, 204);
  const waking = await served.create({ autoPause: true, autoResume: { enabled: true }, timeout: 0 });
  const state = async () => (await served.control("GET", `/sandboxes/${waking.id}`)).body.state;
  while ((await state()) !== "paused") await sleep(10);
  assert.equal((await waking.ask("GET", "/health")).status, 204);
  assert.equal(await state(), "running");
});

test("pause without memory: keeps the files, ends the processes, and the next connect boots another task", async () => {
  const sandbox = await served.create({ metadata: { kept: "yes" }, allow_internet_access: false });
  const post = (route: string, body: object = {}) => served.control("POST", `/sandboxes/${sandbox.id}/${route}`, body);
  const names = () => served.pyro.environments.filter((name) => name.startsWith("e2b-paused-"));
  const running = sandbox.stream("process.Process/Start", { process: { cmd: "sleep", args: ["60"] } });
  running.catch(() => {});
  const list = async () => (await sandbox.call("process.Process/List")).body.processes;
  while ((await list()).length === 0) await sleep(10);
  assert.equal((await post("pause", { memory: false })).status, 204);
  await assert.rejects(running);
  assert.equal((await post("pause", { memory: false })).status, 409);
  assert.equal((await sandbox.ask("GET", "/health")).status, 502);
  const { source, disk_only } = served.pyro.inputsOf("env.save").at(-1)!;
  assert.deepEqual([names(), disk_only], [[`e2b-paused-${sandbox.id}`], true]);
  assert.ok(!served.pyro.tasks.has(String(source)));
  assert.equal((await post("snapshots")).status, 409);
  assert.equal((await post("fork")).status, 409);

  // Another gateway knows it still, although it has no task.
  await served.stop();
  await served.start();
  assert.equal((await served.control("GET", `/sandboxes/${sandbox.id}`)).body.state, "paused");
  const { status, body } = await post("connect", { timeout: 60 });
  assert.deepEqual([status, body.envdAccessToken], [201, sandbox.token]);
  const { environment, mem_mib, network_allow_host } = served.pyro.inputsOf("task.create").at(-1)!;
  assert.deepEqual([environment, mem_mib, network_allow_host], [`e2b-paused-${sandbox.id}`, 1024, ["none.invalid"]]);
  assert.deepEqual([names(), await list()], [[`e2b-paused-${sandbox.id}`], []]);
  assert.equal((await sandbox.run("echo alive")).stdout, "alive\n");

  // With its memory kept, `memory: false` of a connect leaves that memory out.
  assert.equal((await post("pause")).status, 204);
  assert.equal((await post("connect", { memory: false })).status, 201);
  assert.equal((await sandbox.run("echo again")).stdout, "again\n");
  assert.deepEqual(names(), [`e2b-paused-${sandbox.id}-2`]);
  assert.equal((await post("pause", { memory: false })).status, 204);
  assert.equal((await served.control("DELETE", `/sandboxes/${sandbox.id}`)).status, 204);
  assert.deepEqual(names(), []);
});

test("pause without memory: one that was cut short is done again; one at the end of its time is not resumed by a request", async () => {
  const sandbox = await served.create({ autoPause: true, autoPauseMemory: false });
  const name = `e2b-paused-${sandbox.id}`;
  served.pyro.environments.push(name);
  assert.equal((await served.control("POST", `/sandboxes/${sandbox.id}/timeout`, { timeout: 0 })).status, 204);
  const state = async () => (await served.control("GET", `/sandboxes/${sandbox.id}`)).body.state;
  while ((await state()) !== "paused") await sleep(10);
  assert.equal((await sandbox.ask("GET", "/health")).status, 502);
  assert.equal((await served.control("POST", `/sandboxes/${sandbox.id}/connect`, { timeout: 60 })).status, 201);
  assert.equal((await sandbox.ask("GET", "/health")).status, 204);
  await served.control("DELETE", `/sandboxes/${sandbox.id}`);
});

test("snapshots and forks: are made, listed, started from and removed", async () => {
  const sandbox = await served.create({ metadata: { from: "here" } });
  const { status, body } = await served.control("POST", `/sandboxes/${sandbox.id}/snapshots`, { name: "ready:v1" });
  assert.deepEqual([status, body], [201, { snapshotID: "ready:v1", names: ["ready:v1"] }]);
  assert.deepEqual((await served.control("GET", "/snapshots?name=ready")).body, [body]);
  const copy = await served.create({ templateID: "ready:v1" });
  assert.equal(served.pyro.inputsOf("task.create").at(-1)!["setup"], undefined);
  assert.equal((await served.control("DELETE", "/templates/ready%3Av1")).status, 409);
  await served.control("DELETE", `/sandboxes/${copy.id}`);
  assert.equal((await served.control("DELETE", "/templates/ready%3Av1")).status, 204);
  assert.equal((await served.control("DELETE", "/templates/ready%3Av1")).status, 404);
  const forks = await served.control("POST", `/sandboxes/${sandbox.id}/fork`, { count: 2, timeout: 60 });
  assert.equal(forks.status, 201);
  const [first, second] = forks.body;
  assert.notEqual(first.sandbox.envdAccessToken, second.sandbox.envdAccessToken);
  assert.notEqual(first.sandbox.envdAccessToken, sandbox.token);
  const detail = await served.control("GET", `/sandboxes/${first.sandbox.sandboxID}`);
  assert.deepEqual(detail.body.metadata, { from: "here" });
  for (const count of [0, -1, 1.5, "2", 1000]) {
    assert.equal((await served.control("POST", `/sandboxes/${sandbox.id}/fork`, { count })).status, 400);
  }
});

test("routes: unsupported ones are 501, unknown ones 404, ids that do not exist 404", async () => {
  const unsupported = ["POST /v2/templates", "GET /templates", "GET /volumes", "POST /secrets"];
  for (const route of unsupported) {
    const [method = "", path = ""] = route.split(" ");
    const { status, body } = await served.control(method, path);
    assert.deepEqual([status, body.code], [501, 501], route);
  }
  assert.equal((await served.control("GET", "/nope")).status, 404);
  for (const route of [
    "GET /sandboxes/x",
    "DELETE /sandboxes/x",
    "POST /sandboxes/x/pause",
    "GET /sandboxes/x/metrics",
  ]) {
    const [method = "", path = ""] = route.split(" ");
    const { status, body } = await served.control(method, path);
    assert.deepEqual([status, body.code], [404, 404], route);
  }
});

test("metrics: have totals, and only those of the asked time", async () => {
  const sandbox = await served.create();
  const { body } = await served.control("GET", `/sandboxes/${sandbox.id}/metrics`);
  assert.ok(body.length > 0 && body[0].memTotal > 0 && body[0].diskTotal > 0 && body[0].cpuCount > 0);
  assert.deepEqual((await served.control("GET", `/sandboxes/${sandbox.id}/metrics?end=1`)).body, []);
  const many = await served.control("GET", `/sandboxes/metrics?sandbox_ids=${sandbox.id},other`);
  assert.deepEqual(Object.keys(many.body.sandboxes), [sandbox.id]);
});

test("restart: another gateway continues with the sandboxes, their processes, tokens and ends", async () => {
  const sandbox = await served.create({ timeout: 200, metadata: { kept: "yes" } });
  const process = {
    cmd: "/bin/bash",
    args: ["-c", 'while ! [ -e "$0" ]; do sleep 0.02; done; echo more', `${served.directory}/go`],
  };
  const stream = sandbox.stream("process.Process/Start", { process, tag: "mine", stdin: false });
  stream.catch(() => {});
  const list = async () => (await sandbox.call("process.Process/List")).body.processes;
  while ((await list()).length === 0) await sleep(10);
  const [before] = await list();
  await served.stop();
  await assert.rejects(stream);
  await served.start();
  assert.deepEqual(await list(), [before]);
  const following = sandbox.stream("process.Process/Connect", { process: { tag: "mine" } });
  await sleep(0);
  writeFileSync(`${served.directory}/go`, "");
  const { messages } = await following;
  assert.deepEqual(messages[0].event, { start: { pid: before.pid } });
  assert.equal(messages.at(-1).event.end.status, "exit status 0");
  const { body } = await served.control("GET", `/sandboxes/${sandbox.id}`);
  assert.deepEqual([body.metadata, body.envdAccessToken], [{ kept: "yes" }, sandbox.token]);
});

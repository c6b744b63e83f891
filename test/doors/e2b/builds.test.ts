import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { until } from "../../client/scratch.js";
import { Served } from "./served.js";

let served: Served;
before(async () => void (served = await Served.open()));
after(() => served[Symbol.asyncDispose]());
afterEach(() => void (served.pyro.onBuild = () => {}));

const request = (name: string, fields: object = {}) => served.control("POST", "/v3/templates", { name, ...fields });
const read = async ({ templateID, buildID }: { templateID: string; buildID: string }, query = "") =>
  (await served.control("GET", `/templates/${templateID}/builds/${buildID}/status${query}`)).body;

/** Requests and begins a build, and waits for its end. */
async function build(name: string, fields: object = { fromTemplate: "base" }, requested: object = {}) {
  const { body } = await request(name, requested);
  const begun = await served.control("POST", `/v2/templates/${body.templateID}/builds/${body.buildID}`, fields);
  assert.equal(begun.status, 202, JSON.stringify(begun.body));
  await until("the build has ended", async () => (await read(body)).status !== "building");
  return { ...body, ...(await read(body)) };
}

test("templates: an alias exists when it is E2B's, an environment's, or was built", async () => {
  for (const name of ["base", "debian:12"]) {
    const { status, body } = await served.control("GET", `/templates/aliases/${name}`);
    assert.deepEqual([status, body], [200, { templateID: name, public: false }]);
  }
  assert.equal((await served.control("GET", "/templates/aliases/alias-test")).status, 404);
  const { templateID } = await build("alias-test");
  assert.equal((await served.control("GET", "/templates/aliases/alias-test")).body.templateID, templateID);
});

test("build: its steps become commands in their order, each with the user, directory and variables before it", async () => {
  const { body } = await request("steps", { cpuCount: 2, memoryMB: 512 });
  assert.deepEqual([body.names, body.aliases, body.tags], [["steps"], ["steps"], ["default"]]);
  const steps = [
    { type: "ENV", args: ["A", "x y"] },
    { type: "RUN", args: ["echo $A"] },
    { type: "WORKDIR", args: ["app"] },
    { type: "USER", args: ["root"] },
    { type: "RUN", args: ["make"], force: true },
  ];
  const path = `/v2/templates/${body.templateID}/builds/${body.buildID}`;
  assert.equal((await read(body)).status, "waiting");
  assert.equal((await served.control("POST", path, { fromImage: "python:3", steps })).status, 202);
  await until("the build is ready", async () => (await read(body)).status === "ready");
  const input = served.pyro.inputsOf("env.build").at(-1)!;
  assert.deepEqual([input["from"], input["user"], input["vcpu_count"], input["mem_mib"]], ["python:3", "root", 2, 512]);
  const [setup, echo, workdir, user, make, ...rest] = input["run"] as string[];
  assert.match(setup!, /useradd .* user/);
  assert.match(echo!, /cd \/home\/user && exec env 'A=x y' su user /);
  assert.match(workdir!, /t=\/home\/user\/app;.*chown user:/);
  assert.match(user!, /^id -u root /);
  assert.match(make!, /^: [0-9a-f]{16}; .*cd \/home\/user\/app && exec env 'A=x y' su root /);
  assert.deepEqual(rest, []);
  assert.equal((await served.control("POST", path, { fromImage: "x" })).status, 409);

  const sandbox = await served.create({ templateID: "steps" });
  const created = served.pyro.inputsOf("task.create").at(-1)!;
  assert.deepEqual(
    [created["environment"], created["setup"], created["vcpu_count"], created["mem_mib"]],
    [`e2b-build-${body.buildID}`, undefined, 2, 512],
  );
  await served.control("DELETE", `/sandboxes/${sandbox.id}`);
});

test("build: files are uploaded by a signed link and copied where the step says", async () => {
  const { body } = await request("copies");
  const route = `/templates/${body.templateID}/files/abc`;
  const link = await served.control("GET", route);
  assert.equal(link.status, 201);
  assert.equal(link.body.present, false);
  const { pathname, search } = new URL(link.body.url);
  const put = (path: string) => served.ask("PUT", path, { body: Buffer.from("a tar") });
  assert.equal((await put(pathname)).status, 401);
  assert.equal((await put(pathname.replace("abc", "abd") + search)).status, 401);
  assert.equal((await served.ask("GET", pathname + search)).status, 401, "the link uploads, and does nothing else");
  assert.equal((await put(pathname + search)).status, 200);
  const [source] = [...served.pyro.sources].find(([, bytes]) => bytes.toString() === "a tar")!;

  const steps = [
    { type: "COPY", args: ["site/*", "/srv/", "", "0755"], filesHash: "abc" },
    { type: "COPY", args: ["a.txt", "b.txt", "root"], filesHash: "never-sent" },
  ];
  const begin = (given: object[]) =>
    served.control("POST", `/v2/templates/${body.templateID}/builds/${body.buildID}`, {
      fromTemplate: "base",
      steps: given,
    });
  assert.equal((await begin(steps)).status, 400);
  assert.equal((await begin(steps.slice(0, 1))).status, 202);
  await until("the build is ready", async () => (await read(body)).status === "ready");
  const input = served.pyro.inputsOf("env.build").at(-1)!;
  assert.deepEqual(input["copies"], [{ source, to: "/.e2b-copies/0" }]);
  const [, copy, clean] = input["run"] as string[];
  assert.match(copy!, /f=\/\.e2b-copies\/0\/site\/ t=\/srv\/\n.*chown -hR user: \. && chmod -R 0755 \./s);
  assert.equal(clean, "rm -rf /.e2b-copies");
});

test("build: what is not supported or missing answers 400 and names it", async () => {
  const { body } = await request("refused");
  const refused: Readonly<Record<string, object>> = {
    fromImage: {},
    fromImageRegistry: { fromImage: "x", fromImageRegistry: { type: "registry", username: "u" } },
    "steps[0]": { fromImage: "x", steps: [{ type: "VOLUME", args: ["/x"] }] },
    "steps[1]": {
      fromImage: "x",
      steps: [
        { type: "USER", args: ["user"] },
        { type: "COPY", args: ["a", "b"] },
      ],
    },
  };
  const path = `/v2/templates/${body.templateID}/builds/${body.buildID}`;
  for (const [field, fields] of Object.entries(refused)) {
    const { status, body: answer } = await served.control("POST", path, fields);
    assert.equal(status, 400, field);
    assert.ok(answer.message.includes(field), answer.message);
  }
  assert.equal((await served.control("POST", path, { fromTemplate: "nope" })).status, 404);
  assert.equal((await request("a b")).status, 400);
  assert.equal((await request("name:")).status, 400);
  assert.match((await request("x", { minFreeDiskMb: 9 })).body.message, /minFreeDiskMb/);
  assert.equal((await served.control("GET", `/templates/none/builds/${body.buildID}/status`)).status, 404);
  assert.equal((await served.control("GET", "/templates/none/files/x")).status, 404);
});

test("build: its log comes in pages; a step that fails is named with the end of its output", async () => {
  served.pyro.onBuild = async ({ onEvent }) => {
    // Of three steps: the base, the command, and the end that pyro adds.
    await onEvent?.({ event: "progress", phase: "build", message: "", fraction: 1 / 3 });
    for (const text of ["li", "ne\n", "line\n".repeat(149)])
      await onEvent?.({ event: "stdout", data: Buffer.from(text) });
    throw new PyroError("ENVIRONMENT_BUILD_FAILED", "The step failed.", {
      details: { reason: "step", stderr: "first\nlast\n" },
    });
  };
  const built = await build("failing", { fromTemplate: "base", steps: [{ type: "RUN", args: ["false", "root"] }] });
  assert.equal(built.status, "error");
  assert.deepEqual(built.reason, { message: "failed to run command 'false': last", step: "1" });
  assert.equal(built.logEntries.length, 100);
  const rest = await read(built, "?logsOffset=100");
  assert.equal(rest.logEntries.length, 52);
  assert.equal(rest.logEntries.at(-1).level, "error");
  assert.equal(built.logEntries[1].message, "line");
  assert.deepEqual((await read(built, "?logsOffset=152")).logEntries, []);
  assert.equal((await served.control("GET", "/templates/aliases/failing")).status, 404);
});

test("tags: they are given, moved and taken away; a build without a tag is removed", async () => {
  const first = await build("tagged:v1");
  assert.deepEqual(first.tags, ["v1"]);
  const unknown = await served.control("POST", "/v2/sandboxes", { templateID: "tagged" });
  assert.equal(unknown.status, 404);
  const assign = (tags: string[]) => served.control("POST", "/templates/tags", { target: "tagged:v1", tags });
  const assigned = await assign(["stable", "default"]);
  assert.deepEqual([assigned.status, assigned.body.buildID], [201, first.buildID]);
  assert.equal((await assign([":bad"])).status, 400);

  const second = await build("tagged:stable", { fromTemplate: "tagged:v1" }, { tags: ["v2"] });
  assert.equal(second.templateID, first.templateID);
  assert.equal(served.pyro.inputsOf("env.build").at(-1)!["from"], `e2b-build-${first.buildID}`);
  const tags = await served.control("GET", `/templates/${first.templateID}/tags`);
  const found = Object.fromEntries(tags.body.map(({ tag, buildID }: Record<string, string>) => [tag, buildID]));
  const [one, two] = [first.buildID, second.buildID];
  assert.deepEqual(found, { v1: one, default: one, stable: two, v2: two });

  const remove = (name: string, given: string[]) => served.control("DELETE", "/templates/tags", { name, tags: given });
  assert.equal((await remove("tagged", ["v1", "default", "no-such-tag"])).status, 204);
  assert.equal((await remove("no-such-template", ["v1"])).status, 404);
  assert.ok(!served.pyro.environments.includes(`e2b-build-${one}`));
  assert.ok(served.pyro.environments.includes(`e2b-build-${two}`));

  assert.equal((await served.control("DELETE", `/templates/${first.templateID}`)).status, 204);
  assert.ok(!served.pyro.environments.includes(`e2b-build-${two}`));
  assert.equal((await served.control("DELETE", `/templates/${first.templateID}`)).status, 404);
});

test("build: with a start command its VM is saved with memory once the ready command succeeds, and its task is gone", async () => {
  const tasks = served.pyro.tasks.size;
  const commands: { readonly command: string; readonly background?: boolean }[] = [];
  served.pyro.replaced.set("task.exec", async (input) => {
    commands.push(input);
    return { exit_code: commands.length === 2 ? 1 : 0, sequence: commands.length };
  });
  served.pyro.replaced.set("task.follow", () => new Promise(() => {}));
  const built = await build("started", { fromTemplate: "base", startCmd: "serve it", readyCmd: "is it up" });
  served.pyro.replaced.clear();
  assert.equal(built.status, "ready");
  const [start, ...ready] = commands;
  assert.equal(start!.background, true);
  assert.match(start!.command, /^exec >\/dev\/null .*serve it/);
  assert.deepEqual(
    ready.map(({ command }) => /is it up/.test(command)),
    [true, true],
  );
  assert.equal(served.pyro.tasks.size, tasks);
  const names = [`e2b-build-${built.buildID}`, `e2b-started-${built.buildID}`];
  for (const name of names) assert.ok(served.pyro.environments.includes(name));
  const { id } = await served.create({ templateID: "started" });
  assert.equal(served.pyro.inputsOf("task.create").at(-1)!["environment"], names[1]);
  await build("further", { fromTemplate: "started" });
  assert.equal(served.pyro.inputsOf("env.build").at(-1)!["from"], names[0], "a build needs files alone");
  await served.control("DELETE", `/sandboxes/${id}`);
  await served.control("DELETE", "/templates/started");
  for (const name of names) assert.ok(!served.pyro.environments.includes(name));
});

test("build: one whose start command fails ends at once with its status, and its task is gone", async () => {
  const tasks = served.pyro.tasks.size;
  const neverReady = new Promise(() => {});
  served.pyro.replaced.set("task.exec", async ({ background }: { background?: boolean }) =>
    background ? { exit_code: null, sequence: 7 } : neverReady,
  );
  served.pyro.replaced.set("task.follow", async ({ sequence }: { sequence: number }) => ({
    exit_code: 120 + sequence,
  }));
  const built = await build("not-started", { fromTemplate: "base", startCmd: "no-such-server" });
  served.pyro.replaced.clear();
  assert.equal(built.status, "error");
  assert.equal(built.reason.step, "finalize");
  assert.match(built.reason.message, /start command ended with exit status 127/);
  assert.equal(served.pyro.tasks.size, tasks);
  assert.ok(!served.pyro.environments.includes(`e2b-started-${built.buildID}`));
  assert.equal((await served.control("GET", "/templates/aliases/not-started")).status, 404);
});

test("build: a start command that has ended well may have left a server, so the ready command decides", async () => {
  let asked = 0;
  served.pyro.replaced.set("task.exec", async ({ background }: { background?: boolean }) =>
    background ? { exit_code: null, sequence: 1 } : { exit_code: (asked += 1) === 2 ? 0 : 1 },
  );
  served.pyro.replaced.set("task.follow", async () => ({ exit_code: 0 }));
  const built = await build("forking", { fromTemplate: "base", startCmd: "serve &", readyCmd: "is it up" });
  served.pyro.replaced.clear();
  assert.equal(built.status, "ready");
  assert.equal(asked, 2);
});

test("build: a restarted gateway knows what was built, and its user and directory", async () => {
  const built = await build("kept", { fromTemplate: "base", steps: [{ type: "USER", args: ["root"] }] });
  await served.stop();
  await served.start();
  assert.equal((await served.control("GET", "/templates/aliases/kept")).body.templateID, built.templateID);
  assert.equal((await served.control("POST", "/v2/sandboxes", { templateID: "kept" })).status, 201);
});

test("build: a restarted gateway reports a build that was under way as failed, and removes what it has left", async () => {
  const { body } = await request("interrupted");
  const { body: waiting } = await request("waiting");
  const failed = await build("failed", { fromTemplate: "base", steps: [{ type: "RUN", args: ["x"] }] });
  served.pyro.onBuild = () => new Promise(() => {});
  const path = `/v2/templates/${body.templateID}/builds/${body.buildID}`;
  assert.equal((await served.control("POST", path, { fromTemplate: "base" })).status, 202);
  await until("the build is under way", () =>
    served.pyro.inputsOf("env.build").some(({ name }) => name === `e2b-build-${body.buildID}`),
  );
  served.pyro.environments.push(`e2b-build-${body.buildID}`, `e2b-started-${body.buildID}`);
  await served.stop();
  await served.start();
  served.pyro.onBuild = () => {};
  const { status, reason, logEntries } = await read(body);
  assert.deepEqual([status, logEntries], ["error", []]);
  assert.match(reason.message, /gateway ended during this build/);
  for (const name of [`e2b-build-${body.buildID}`, `e2b-started-${body.buildID}`])
    assert.ok(!served.pyro.environments.includes(name), name);
  assert.equal((await served.control("GET", "/templates/aliases/interrupted")).status, 404);
  assert.equal((await served.control("POST", path, { fromTemplate: "base" })).status, 409);
  assert.equal((await read(failed)).status, failed.status);

  const begin = `/v2/templates/${waiting.templateID}/builds/${waiting.buildID}`;
  assert.equal((await read(waiting)).status, "waiting");
  assert.equal((await served.control("POST", begin, { fromTemplate: "base" })).status, 202);
  await until("the build is ready", async () => (await read(waiting)).status === "ready");
  await served.stop();
  await served.start();
  assert.equal((await read(waiting)).status, "ready");
});

test("build: one that is begun twice at once is begun once", async () => {
  const { body } = await request("twice");
  const path = `/v2/templates/${body.templateID}/builds/${body.buildID}`;
  const both = [1, 2].map(() => served.control("POST", path, { fromTemplate: "base" }));
  const statuses = (await Promise.all(both)).map(({ status }) => status);
  assert.deepEqual(statuses.sort(), [202, 409]);
  await until("the build is ready", async () => (await read(body)).status === "ready");
});

test("build: of a log that floods, the beginning is kept", async () => {
  served.pyro.onBuild = async ({ onEvent }) => {
    for (let count = 0; count < 64; count++)
      await onEvent?.({ event: "stdout", data: Buffer.from(`${"x".repeat(65_535)}\n`.repeat(16)) });
  };
  const { templateID, buildID } = await build("flood");
  let characters = 0;
  for (let offset = 0; ; offset += 100) {
    const { logEntries } = await read({ templateID, buildID }, `?logsOffset=${offset}`);
    if (logEntries.length === 0) break;
    for (const { message } of logEntries) characters += message.length;
  }
  assert.ok(characters > 2_000_000 && characters < 2_200_000, String(characters));
});

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { packSource } from "../../../src/client/pack/pack.js";
import type { PyroError } from "../../../src/contract/errors.js";
import { envBuild, envBuildSource } from "../../../src/contract/env-build.js";
import { envBuild as buildEnvironment } from "../../../src/core/environments/build/build.js";
import { doStep } from "../../../src/core/environments/build/guest-work.js";
import { planSteps } from "../../../src/core/environments/build/plan.js";
import { BuildSources } from "../../../src/core/environments/build/sources.js";
import type { Call } from "../../../src/core/call.js";
import type { Core } from "../../../src/core/core.js";
import type { Task } from "../../../src/core/tasks/task.js";
import { temporaryDirectory } from "../../environments/fake-source.js";
import { AgentProcess } from "../../guest/agent-process.js";

const digest = "0".repeat(64);
const source = (content: string) => ({ path: "/x", kind: "file" as const, digest: content });

function keysOf(fields: object, content = "1", base = digest): string[] {
  const copies = "copy" in fields ? [{ source: "source-000000000000", to: "/opt" }] : [];
  const input = envBuild.input.parse({ name: "web", from: "debian:12", copies, ...fields });
  const sources = copies.map(() => source(content));
  return planSteps(input, base, { user: "root", working_dir: "/" }, sources).map(({ key }) => key);
}

test("the keys of a build: a changed step changes its own key and those of later steps, and no other", () => {
  const fields = { env: { A: "1" }, copy: ["a:/opt"], run: ["one", "two"], script_content: "three" };
  const keys = keysOf(fields);
  assert.equal(new Set(keys).size, 6);
  assert.deepEqual(keysOf(fields), keys);
  const common = (other: readonly string[]) => keys.findIndex((key, index) => other[index] !== key);
  assert.equal(common(keysOf({ ...fields, env: { A: "2" } })), 0);
  assert.equal(common(keysOf(fields, "2")), 1);
  assert.equal(common(keysOf({ ...fields, run: ["one", "2"] })), 3);
  assert.equal(common(keysOf({ ...fields, network: true })), 2);
  assert.equal(common(keysOf({ ...fields, script_content: "3" })), 4);
  assert.equal(common(keysOf({ ...fields, user: "web" })), 5);
  assert.equal(common(keysOf({ ...fields, disk_mib: 5_000 })), 0);
  assert.equal(common(keysOf(fields, "1", "1".repeat(64))), 0);
  assert.deepEqual(keysOf({ ...fields, name: "other", mem_mib: 4_096 }), keys);
});

test("the sources of a build: equal names, modes and contents have one digest; a broken archive leaves nothing", async (context) => {
  const directory = await temporaryDirectory(context);
  const path = join(directory, "kept");
  const sources = await BuildSources.open(path);
  const file = join(directory, "file.tgz");
  const add = async (stream: AsyncIterable<Uint8Array>) => {
    const input = envBuildSource.input.parse({ source_path: file, source_kind: "file" });
    const call = { upload: stream, signal: new AbortController().signal } as Call;
    const { source: id } = await sources.add(input, call);
    assert.throws(() => sources.takeAll([id, "source-000000000000"]), { code: "FAILED_PRECONDITION" });
    assert.throws(() => sources.takeAll([id, id]), { code: "INVALID_ARGUMENT" });
    const [taken] = sources.takeAll([id]);
    assert.throws(() => sources.takeAll([id]), { code: "FAILED_PRECONDITION" });
    return taken!.digest;
  };
  const packed = async () => add((await packSource(file, { asFile: true })).stream);
  writeFileSync(file, "one", { mode: 0o644 });
  const first = await packed();
  utimesSync(file, 1, 1);
  assert.equal(await packed(), first);
  chmodSync(file, 0o755);
  const executable = await packed();
  writeFileSync(file, "two");
  assert.equal(new Set([first, executable, await packed()]).size, 3);
  const before = readdirSync(path);
  await assert.rejects(
    add(
      (async function* () {
        yield Buffer.from("no archive");
      })(),
    ),
    { code: "ARCHIVE_CORRUPT" },
  );
  assert.deepEqual(readdirSync(path), before);
  await BuildSources.open(path);
  assert.deepEqual(readdirSync(path), []);
});

test("the working directory of a build: is made, or is a directory already; anything else is refused with its path", async (context) => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  context.after(() => channel.close());
  const task = { vm: { assertPresent: () => ({ ready: Promise.resolve({ channel }) }) } } as unknown as Task;
  const call = { signal: new AbortController().signal } as Call;
  const directory = await temporaryDirectory(context);
  const at = (name: string) => join(directory, name);
  mkdirSync(at("present"));
  symlinkSync("present", at("link"));
  writeFileSync(at("file"), "");
  const finish = (name: string) =>
    doStep(task, { work: { kind: "finish", workdir: at(name), user: null }, text: "finish", key: digest }, call);
  for (const name of ["present", "link", "new"]) await finish(name);
  assert.ok(statSync(at("new")).isDirectory());
  for (const name of ["file", "file/app"]) {
    await assert.rejects(finish(name), ({ code, details }: PyroError) => {
      assert.deepEqual([code, details["path"]], ["FILE_WRONG_TYPE", at(name)]);
      return true;
    });
  }
});

test("a build whose base is replaced before its VM starts is planned again", async () => {
  const digests = ["1".repeat(64), "2".repeat(64)];
  const record = { environment_digest: digests[1] };
  let vmCount = 0;
  const task = {
    record,
    vm: {
      assertPresent: () => {
        throw new Error("the first step");
      },
    },
  } as unknown as Task;
  const core = {
    ...{ snapshots: { findSaved: () => null }, machines: { identify: async () => digests.shift() } },
    buildSources: { takeAll: () => [] },
    environments: {
      ...{ find: async () => null, saved: { built: { find: () => ({}) } } },
      steps: { find: () => null, hold: () => () => {} },
    },
    tasks: {
      inPassing: (_input: object, _purpose: string, _call: Call, work: (task: Task) => Promise<unknown>) => {
        vmCount += 1;
        return work(task);
      },
    },
  } as unknown as Core;
  const call = { signal: new AbortController().signal, emit: async () => {} } as unknown as Call;
  const input = envBuild.input.parse({ name: "web", from: "debian:12", run: ["true"] });
  await assert.rejects(buildEnvironment(core, input, call), /the first step/);
  assert.deepEqual([vmCount, digests], [2, []]);
});

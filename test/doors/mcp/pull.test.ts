import assert from "node:assert/strict";
import { mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { serve } from "../../../src/doors/mcp/serve.js";
import { PulledProject, writeFiles } from "../../core/workspace/pulled-project.js";
import { connectHere } from "./connect.js";

async function open(t: TestContext, isAllowed: boolean) {
  const project = await PulledProject.open(t, { a: "1" });
  const allowed = join(project.directory, "allowed");
  mkdirSync(join(allowed, "copy"), { recursive: true });
  symlinkSync(project.directory, join(allowed, "out"));
  writeFiles(project.workspace, { a: "2" });
  const pullRoot = isAllowed ? realpathSync(allowed) : null;
  const mcp = await connectHere({ env: project.env, pullRoot });
  t.after(async () => {
    await mcp[Symbol.asyncDispose]();
    await project[Symbol.asyncDispose]();
  });
  const pull = (fields: object = {}) => mcp.result("task_sync_pull", { task_id: project.taskId, ...fields });
  const failure = (destination: string) => mcp.failure("task_sync_pull", { task_id: project.taskId, destination });
  const { tools } = await mcp.client.listTools();
  const fields = Object.keys(tools.find(({ name }) => name === "task_sync_pull")?.inputSchema.properties ?? {});
  return { project, allowed, pull, failure, fields };
}

test("task_sync_pull: without --allow-pull it takes no destination, and writes into the directory that the task came from", async (t) => {
  const { project, allowed, pull, failure, fields } = await open(t, false);
  assert.ok(!fields.includes("destination"));
  assert.equal((await failure(join(allowed, "copy"))).code, "INVALID_ARGUMENT");
  await pull();
  assert.deepEqual(project.hostFiles(), { a: "2" });
});

test("task_sync_pull: with --allow-pull a destination inside the directory is written, and no other one", async (t) => {
  const { project, allowed, pull, failure, fields } = await open(t, true);
  assert.ok(fields.includes("destination"));
  for (const destination of ["..", "../host", "out", "out/host", project.host, "/", "missing", `${allowed}-not`]) {
    assert.equal((await failure(destination)).code, "DESTINATION_UNUSABLE", destination);
  }
  assert.deepEqual(project.hostFiles(), { a: "1" });
  const { destination } = await pull({ destination: "copy" });
  assert.equal(destination, realpathSync(join(allowed, "copy")));
  assert.equal(readFileSync(join(allowed, "copy/a"), "utf8"), "2");
  await pull({ destination: allowed });
  assert.equal(readFileSync(join(allowed, "a"), "utf8"), "2");
});

test("mcp serve: a directory of --allow-pull that does not exist is refused at the start", async () => {
  const options = { profile: "standard", allowPull: "/nonexistent" } as const;
  await assert.rejects(serve(options), { code: "INVALID_ARGUMENT", message: /--allow-pull: \/nonexistent/ });
});

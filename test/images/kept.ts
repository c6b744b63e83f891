import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { performOperation } from "../../src/client/perform.js";
import { tar } from "../archive/raw-tar.js";
import { file } from "../archive/specimen.js";
import { makeImage } from "../environments/image/saved.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { busybox } from "./images.js";
import { pushImage } from "./push.js";
import { startRegistry } from "./registry.js";

/** `make test-images`: builds on an image, and what a prune keeps of images. */
const SMALL = { mem_mib: 256 };
const CONFIG = { Env: ["PATH=/bin"], User: "", WorkingDir: "" };

test("env build on an image twice: the second starts no VM; prune keeps an image of a task, the layer that it shares, and a base", async (context) => {
  await using scratch = new VmScratch({ ownTemplates: true });
  const registry = await startRegistry(join(scratch.directory, "registry"), {});
  context.after(registry.end);
  const [program = Buffer.alloc(0)] = busybox().layers;
  const made = (text: string) => makeImage([program, tar(file("which", text))], CONFIG);
  const [live, base, other] = ["live", "base", "other"].map((name) =>
    pushImage(scratch.directory, made(name), `${registry.host}/${name}`),
  ) as [string, string, string];
  const call = scratch.client.call.bind(scratch.client);
  for (const environment of [live, base, other]) await call("env.pull", { environment });
  const blobs = () => readdirSync(join(scratch.home, "environments", "blobs"));
  assert.equal(blobs().length, 4, "one layer is shared by the three images");

  const build = { name: "made", from: base, run: ["cat /which >/made"], ...SMALL };
  for (const isCached of [false, true]) {
    const started = performance.now();
    const { built, steps } = await performOperation(scratch.client, "env.build", build);
    console.log(`# env build, ${isCached ? "again" : "first"}: ${Math.round(performance.now() - started)} ms`);
    assert.deepEqual([built, new Set(steps.map(({ cached }) => cached))], [!isCached, new Set([isCached])]);
  }
  const started = performance.now();
  const { status, stdout, stderr } = await scratch.pyro([
    "env",
    "build",
    "made",
    "--from",
    base,
    "--run",
    build.run[0]!,
    "--mem-mib",
    "256",
  ]);
  assert.equal(status, 0, stderr);
  console.log(`# pyro env build, again: ${Math.round(performance.now() - started)} ms: ${stdout.trim()}`);

  const { task_id } = await call("task.create", { environment: live, ...SMALL });
  const show = async () => (await call("task.exec", { task_id, command: "/bin/busybox cat /which" })).stdout;
  assert.equal(await show(), "live");
  const { removed, kept } = await call("env.prune", {});
  const namesIn = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  assert.deepEqual(
    [live, base, other].map((name) => namesIn(removed).includes(`${name}:latest`)),
    [false, false, true],
    JSON.stringify({ removed, kept }),
  );
  assert.equal(blobs().length, 3, "the shared layer and one of each image that is kept");
  assert.equal(await show(), "live");
  const ran = await call("vm.run", { environment: "made", command: "/bin/busybox cat /made", ...SMALL });
  assert.equal(ran.stdout, "base");
  await assert.rejects(call("env.remove", { environment: base }), { code: "FAILED_PRECONDITION" });
  await assert.rejects(call("env.remove", { environment: live }), { code: "FAILED_PRECONDITION" });

  await call("task.delete", { task_id });
  for (const environment of ["made", base, live]) await call("env.remove", { environment });
  assert.deepEqual(blobs(), []);
  rmSync(join(scratch.directory, "registry"), { recursive: true });
});

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { tar } from "../archive/raw-tar.js";
import { file } from "../archive/specimen.js";
import { endOf, until } from "../client/scratch.js";
import { makeImage } from "../environments/image/saved.js";
import { noise, type RegistryDouble, registryDouble } from "../environments/registry/double.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { pushImage } from "./push.js";
import { startRegistry } from "./registry.js";

/** `make test-images`: pulls of the command line that end in their midst, meet, or find another image. */
const MIB = 1_048_576;
const image = makeImage([tar(file("small")), tar({ ...file("large"), content: noise(8 * MIB, "interrupted") })]);
const [large = "", bytes = Buffer.alloc(0)] = [...image.blobs].at(-1) ?? [];

/** A registry that sends 4 MiB of the large layer and is then silent, until `heal`. */
async function silentRegistry(context: TestContext, scratch: VmScratch) {
  const registry = await registryDouble(context);
  registry.push(image);
  let closed = 0;
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(large)) return false;
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 4 * MIB));
    request.socket.once("close", () => (closed += 1));
    return true;
  };
  const part = join(scratch.home, "environments", "blobs", `${large.slice("sha256:".length)}.part`);
  return {
    ...{ registry, name: `${registry.host}/me/tool` },
    isHalf: () => (statSync(part, { throwIfNoEntry: false })?.size ?? 0) >= 4 * MIB - 65_536,
    isClosed: () => closed > 0,
    heal: () => {
      registry.intercept = () => false;
      registry.requests.length = 0;
    },
  };
}

/** The offset from which the large layer was requested, once. */
function resumedAt({ requests }: RegistryDouble): number {
  const found = requests.filter((line) => line.includes(large));
  assert.equal(found.length, 1, found.join("\n"));
  return Number(/bytes=(\d+)-/.exec(found[0] ?? "")?.[1] ?? 0);
}

async function assertPulls(scratch: VmScratch, name: string): Promise<void> {
  const { status, stdout, stderr } = await scratch.pyro(["env", "pull", name]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /is ready: built/);
  assert.deepEqual(readdirSync(join(scratch.home, "environments", "tmp")), []);
}

test("a pull whose daemon is killed ends with an error; the next one continues where it was", async (context) => {
  await using scratch = new VmScratch();
  const { registry, name, isHalf, heal } = await silentRegistry(context, scratch);
  const pulling = endOf(scratch.start(["env", "pull", name, "--json"]));
  await until("half of the layer is there", isHalf);
  await scratch.killDaemon();
  const { status, stdout } = await pulling;
  assert.notEqual(status, 0, stdout);
  heal();
  await assertPulls(scratch, name);
  assert.ok(resumedAt(registry) >= 4 * MIB - 65_536);
});

test("a pull whose client is killed ends in the daemon; the next one continues where it was", async (context) => {
  await using scratch = new VmScratch();
  const { registry, name, isHalf, isClosed, heal } = await silentRegistry(context, scratch);
  const client = scratch.start(["env", "pull", name]);
  const pulling = endOf(client);
  await until("half of the layer is there", isHalf);
  client.kill("SIGKILL");
  await pulling;
  await until("the daemon has left the registry", isClosed);
  heal();
  await assertPulls(scratch, name);
  assert.ok(resumedAt(registry) >= 4 * MIB - 65_536);
});

test("two pulls at once fetch everything once; the end of one client does not end the other's pull", async (context) => {
  await using scratch = new VmScratch();
  const { registry, name, isHalf } = await silentRegistry(context, scratch);
  const sendHalf = registry.intercept;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  registry.intercept = (request, response) => {
    const isLarge = sendHalf(request, response);
    if (isLarge) void released.then(() => response.end(bytes.subarray(4 * MIB)));
    return isLarge;
  };
  const clients = [0, 1, 2].map(() => scratch.start(["env", "pull", name]));
  const pulls = clients.map(endOf);
  const following = new Set<number>();
  for (const [index, { stderr }] of clients.entries())
    stderr?.on("data", (text: string) => /download/.test(text) && following.add(index));
  await until("every client shows the progress of the fetch", () => isHalf() && following.size === 3);
  clients[0]?.kill("SIGKILL");
  await pulls[0];
  release();
  const [, ...others] = await Promise.all(pulls);
  for (const { status, stdout, stderr } of others)
    assert.deepEqual([status, / is ready: /.test(stdout)], [0, true], stderr);
  const fetched = registry.requests.filter((line) => line.startsWith("GET blobs/"));
  assert.equal(new Set(fetched).size, fetched.length, fetched.join("\n"));
});

test("a moved tag is shown by env pull and env list, and taken by --update", async (context) => {
  await using scratch = new VmScratch();
  const registry = await startRegistry(join(scratch.directory, "registry"), {});
  context.after(registry.end);
  const name = `${registry.host}/tool:1`;
  const push = (text: string) => pushImage(scratch.directory, makeImage([tar(file("a", text))]), name);
  const pyro = async (...args: string[]) => (await scratch.pyro(["env", ...args])).stdout;
  push("one");
  assert.match(await pyro("pull", name), /is ready: built/);
  assert.doesNotMatch(await pyro("list"), /moved/);
  push("two");
  const [, moved = ""] = /Its tag now names sha256:(\w{64}); `--update` takes/.exec(await pyro("pull", name)) ?? [];
  assert.match(await pyro("list"), new RegExp(`tool:1 .*its tag has moved to ${moved.slice(0, 12)}\\b`));
  assert.match(await pyro("pull", name, "--update"), /is ready: built/);
  assert.match(await pyro("list"), new RegExp(`tool:1 .* ${moved.slice(0, 12)} `));
  assert.doesNotMatch(await pyro("list"), /moved/);
});

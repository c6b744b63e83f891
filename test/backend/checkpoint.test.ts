import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import pino from "pino";

import { Checkpoints } from "../../src/backend/qemu/checkpoints.js";
import { findCheckpoint, installCheckpoint } from "../../src/backend/qemu/checkpoint.js";
import { describeFiles, readIdentity, type Template, templateFiles } from "../../src/backend/qemu/template.js";
import { Templates } from "../../src/backend/qemu/templates.js";

const HOST = "a".repeat(64);
const root = mkdtempSync(join(tmpdir(), "pyro-checkpoint-"));
after(() => rmSync(root, { recursive: true }));
let last = 0;

/** Freezes a template, in the place of an earlier one of that name. */
async function freeze(key: string): Promise<Template> {
  const directory = join(root, key);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  for (const name of Object.values(templateFiles)) writeFileSync(join(directory, name), name);
  const about = { environment: "debian:12", environment_digest: "0", built_at: `moment ${++last}` };
  const record = { format: 2, ...about, files: await describeFiles(directory) };
  writeFileSync(join(directory, "template.json"), JSON.stringify(record));
  return { key, directory, accelerator: "tcg", identity: (await readIdentity(directory))! };
}

/** A directory with the files of a checkpoint. */
function make(): string {
  const directory = mkdtempSync(join(root, "made-"));
  for (const name of ["process", "overlay"]) writeFileSync(join(directory, name), name);
  return directory;
}

const kept = ({ directory }: Template) => readdirSync(directory).filter((name) => name.startsWith("checkpoint-"));

test("a checkpoint: is found on its host until the template is replaced, and another host's replaces it", async () => {
  const template = await freeze("one");
  await installCheckpoint(template, HOST, make());
  assert.ok(await findCheckpoint(template, HOST));
  assert.equal(await findCheckpoint({ ...template, identity: "another" }, HOST), null);
  const other = "b".repeat(64);
  assert.equal(await findCheckpoint(template, other), null);
  await installCheckpoint(template, other, make());
  assert.equal(await findCheckpoint(template, HOST), null);
  assert.equal(kept(template).length, 1);
});

test("a template that was replaced while its checkpoint was made: keeps no checkpoint of the earlier one", async () => {
  const earlier = await freeze("two");
  const made = make();
  const template = await freeze("two");
  await assert.rejects(installCheckpoint(earlier, HOST, made), { code: "NOT_FOUND" });
  assert.equal(await findCheckpoint(template, HOST), null);
});

test("a checkpoint whose file was cut short: is not found, and the next one replaces it", async () => {
  const template = await freeze("three");
  await installCheckpoint(template, HOST, make());
  const first = (await findCheckpoint(template, HOST))!;
  truncateSync(join(first.directory, "process"), 3);
  assert.equal(await findCheckpoint(template, HOST), null);
  await installCheckpoint(template, HOST, make());
  assert.notEqual((await findCheckpoint(template, HOST))!.directory, first.directory);
  assert.equal(kept(template).length, 1);
});

test("two daemons that have made a checkpoint: the first one stays", async () => {
  const template = await freeze("four");
  await installCheckpoint(template, HOST, make());
  const first = await findCheckpoint(template, HOST);
  await installCheckpoint(template, HOST, make());
  assert.deepEqual(await findCheckpoint(template, HOST), first);
});

test("half checkpoints of killed daemons: are removed when the templates are opened, whatever else lies there", async () => {
  const path = join(root, "home", "templates");
  const half = join(path, "key", "tmp-999999999.1-000000000000");
  mkdirSync(half, { recursive: true });
  writeFileSync(join(path, "file"), "");
  symlinkSync(join(path, "nothing"), join(path, "gone"));
  const options = { homePath: join(root, "home"), runtimePath: root, agentPath: "", gatePath: null, keeperPath: "" };
  await new Templates({ ...options, groups: null as never, log: pino({ level: "silent" }) }).open();
  assert.deepEqual(readdirSync(join(path, "key")), []);
});

test("a host on which a program of checkpoints is missing: has no checkpoint to continue, so that a clone starts its own QEMU", async () => {
  const template = await freeze("six");
  const missing = join(root, "missing");
  const programs = { checkpointPath: missing, restorePath: missing, preloadPath: missing };
  const checkpoints = new Checkpoints({} as never, programs, () => true, pino({ enabled: false }));
  const source = { template, toolchain: { jailer: { kind: "bubblewrap" } }, snapshot: null };
  assert.equal(await checkpoints.find(source as never), null);
});

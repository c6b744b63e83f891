import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { Call } from "../../../src/core/call.js";
import type { Core } from "../../../src/core/core.js";
import { envImport } from "../../../src/core/environments/export.js";
import { whileNamed } from "../../../src/core/environments/saved-names.js";
import { exportSaved } from "../../../src/environments/saved/export.js";
import { unhurried } from "../../environments/fake-source.js";
import { exportPath, type FakeHome, importInto, openHome, save } from "../../environments/saved/scratch.js";

const call = { signal: unhurried() } as Call;

/** The file of an environment `web`. */
async function exported(context: TestContext, name = "web"): Promise<string> {
  const home = await openHome(context);
  const disk = await save(home, name, name);
  const file = await exportPath(context);
  await exportSaved(disk, home.environments.filesOf(disk.digest), file, unhurried());
  return file;
}

function coreOf({ directory }: FakeHome, environments: FakeHome["environments"]): Core {
  return { environments, home: { path: directory }, snapshots: { findSaved: () => null } } as unknown as Core;
}

test("env import: the name of a damaged environment is taken", async (context) => {
  const file = await exported(context);
  const home = await openHome(context);
  const { directory } = await save(home, "web");
  writeFileSync(join(directory, "saved.json"), "{");
  const core = coreOf(home, await home.open());
  await assert.rejects(envImport(core, { file }, call), { code: "ALREADY_EXISTS", details: { name: "web" } });
});

test("env import: the name in the file is taken while another call makes an environment of that name", async (context) => {
  const file = await exported(context);
  const home = await openHome(context);
  const core = coreOf(home, home.environments);
  await whileNamed(core, "web", () => assert.rejects(envImport(core, { file }, call), { code: "ALREADY_EXISTS" }));
  assert.deepEqual(home.environments.saved.list(), []);
});

test("env import: two files over one environment can be read at once", async (context) => {
  const files = [await exported(context, "web"), await exported(context, "api")];
  const home = await openHome(context);
  const disks = await Promise.all(files.map((file) => importInto(home, file)));
  assert.deepEqual(
    disks.map(({ record }) => record.name),
    ["web", "api"],
  );
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { BuildSteps } from "../../../src/environments/saved/build-steps.js";
import { openHome, saveStep } from "./scratch.js";

const keyOf = (digit: string) => digit.repeat(64);
const aboutOf = (key: string) => ({
  ...{ name: "web", from: "debian:12", config: { user: "root", working_dir: "/" } },
  steps: [{ key, text: "run true" }],
});

test("a sweep of results: keeps a result that gets a name meanwhile, and one that a build holds", async (context) => {
  const home = await openHome(context);
  const { saved } = home.environments;
  const disks = [];
  for (const digit of ["1", "2", "3", "4"]) disks.push(await saveStep(home, keyOf(digit)));
  const [first, named, held, last] = disks;
  const release = home.environments.steps.hold([keyOf("3")]);
  await home.environments.steps.sweep(1);
  assert.deepEqual(
    disks.map(({ directory }) => existsSync(directory)),
    [false, false, true, true],
  );
  release();
  await saveStep(home, keyOf("1"));
  await saveStep(home, keyOf("2"));
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => (goOn = resolve));
  const steps = new BuildSteps(
    saved,
    () => false,
    async (disk, mayLeave) => {
      await waiting;
      if (!mayLeave()) return null;
      await saved.remove(disk.record.name);
      return 1;
    },
  );
  const swept = steps.sweep(0);
  await saved.built!.set(aboutOf(keyOf("2")));
  goOn();
  assert.deepEqual(
    (await swept).removed.map(({ name }) => name),
    [held, last, first].map((disk) => disk!.record.name),
  );
  assert.equal(saved.find("web")?.directory, named!.directory);
  assert.ok(existsSync(named!.directory));
});

test("a result: two removals at once remove it once", async (context) => {
  const home = await openHome(context);
  for (const digit of ["1", "2", "3"]) await saveStep(home, keyOf(digit));
  const { steps } = home.environments;
  const swept = await Promise.all([steps.sweep(0), steps.sweep(0)]);
  assert.equal(swept.flatMap(({ removed }) => removed).length, 3);
  assert.deepEqual(home.environments.saved.steps(), []);
});

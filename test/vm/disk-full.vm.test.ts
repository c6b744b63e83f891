import assert from "node:assert/strict";
import { readdirSync } from "node:fs";

import { mountingTest } from "../client/mounting-test.js";
import { VmScratch } from "./vm-scratch.js";

mountingTest(import.meta.url, "with 10 MB left on the disk a run says so, and leaves nothing", async () => {
  await using scratch = new VmScratch({ ownTemplates: true, smallDisk: { directory: ".", size: "10m" } });
  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--json", "--", "true"]);
  assert.equal(status, 125);
  const { error } = JSON.parse(stdout) as { error: { code: string; details: Record<string, number> } };
  assert.equal(error.code, "DISK_FULL");
  assert.ok(error.details["free_mib"]! <= 10);
  assert.deepEqual(readdirSync(`${scratch.home}/templates`), []);
  assert.deepEqual(scratch.leftovers(), []);
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { VmScratch } from "./vm-scratch.js";

const QUESTION =
  "cat /proc/sys/kernel/random/uuid; head -c 16 /dev/urandom | od -An -tx1; hostname; cat /etc/machine-id; date +%s; cat /etc/hostname; sed -n 2p /etc/hosts";

test("clones that wake together have different identities and the current time", async () => {
  await using scratch = new VmScratch({ ownTemplates: true });
  await scratch.pyro(["run", "debian:12", "--", "true"]);
  makeTemplateOld(join(scratch.home, "templates"));

  const ask = () => scratch.pyro(["run", "debian:12", "--", "sh", "-c", QUESTION]);
  const answers = await Promise.all([ask(), ask(), ask()]);
  const lines = answers.map(({ stdout }) => stdout.trim().split("\n"));
  for (const [index, what] of ["uuid", "urandom", "hostname", "machine-id"].entries()) {
    assert.equal(new Set(lines.map((line) => line[index])).size, 3, `${what} repeats: ${JSON.stringify(lines)}`);
  }
  const now = Date.now() / 1000;
  for (const line of lines) assert.ok(Math.abs(now - Number(line[4])) < 5, `clock is off: ${line[4]}`);
  for (const [, , hostname, , , file, hosts] of lines)
    assert.deepEqual([file, hosts], [hostname, `127.0.1.1 ${hostname}`]);
  assert.equal(templates(join(scratch.home, "templates")).length, 1, "the old template was used");
});

const templates = (directory: string) => readdirSync(directory).filter((name) => !name.startsWith("tmp-"));

/** As if it had been frozen ten days ago. */
function makeTemplateOld(directory: string): void {
  const path = join(directory, templates(directory)[0]!, "template.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...record, built_at: new Date(Date.now() - 864_000_000).toISOString() }));
}

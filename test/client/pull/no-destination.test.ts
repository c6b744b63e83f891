import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Client } from "../../../src/client/client.js";
import { pullTaskSync } from "../../../src/client/pull/task-pull.js";

test("pull: an unusable destination is refused before the guest is asked for its changes", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pyro-destination-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "file"), "");
  const asked: string[] = [];
  const call = (operation: string) => {
    asked.push(operation);
    return Promise.reject(new Error("asked"));
  };
  const client = { home: { path: directory }, call } as unknown as Client;
  for (const name of ["missing", "file"]) {
    const pull = pullTaskSync(client, { task_id: "t", destination: join(directory, name) });
    await assert.rejects(pull, { code: "DESTINATION_UNUSABLE" });
  }
  assert.deepEqual(asked, []);
  await assert.rejects(pullTaskSync(client, { task_id: "t", destination: directory }), { message: "asked" });
});

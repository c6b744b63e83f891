// Fifty sandboxes at once: each runs a command and has its own files.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const COUNT = Number(process.env.SANDBOXES ?? 50);
const sandboxes = [];
try {
  for (let index = 0; index < COUNT; index += 1)
    sandboxes.push(await Sandbox.create("small", { timeoutMs: 3_600_000 }));
  assert.equal(new Set(sandboxes.map(({ sandboxId }) => sandboxId)).size, COUNT);
  const outputs = [];
  for (let at = 0; at < COUNT; at += 10) {
    const group = sandboxes.slice(at, at + 10).map(async (sandbox, index) => {
      await sandbox.files.write("own", String(at + index));
      return (await sandbox.commands.run("cat own", { timeoutMs: 0, requestTimeoutMs: 0 })).stdout;
    });
    outputs.push(...(await Promise.all(group)));
  }
  assert.deepEqual(
    outputs,
    sandboxes.map((_, index) => String(index)),
  );
} finally {
  for (const sandbox of sandboxes) await sandbox.kill();
}
console.log("many done");

// Watches a tree while commands change it.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const sandbox = await Sandbox.create();
try {
  await sandbox.commands.run("mkdir -p tree/below");
  const seen = [];
  const watching = await sandbox.files.watchDir("tree", ({ type, name }) => seen.push(`${type} ${name}`), {
    recursive: true,
  });
  await sandbox.commands.run(
    "echo one > tree/below/file; chmod 600 tree/below/file; mkdir tree/new; sleep 0.3; echo two > tree/new/inner; rm -r tree/below",
  );
  const wanted = [
    "create below/file",
    "write below/file",
    "chmod below/file",
    "create new",
    "write new/inner",
    "remove below",
  ];
  for (const end = Date.now() + 20_000; !wanted.every((event) => seen.includes(event));) {
    assert.ok(Date.now() < end, `the watch saw ${seen.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await watching.stop();
  await assert.rejects(sandbox.files.watchDir("tree/new/inner", () => {}));
  await assert.rejects(sandbox.files.watchDir("nothing", () => {}));
} finally {
  await sandbox.kill();
}
console.log("watch done");

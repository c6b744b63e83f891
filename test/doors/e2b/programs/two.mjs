// Two sandboxes at once: their work is interleaved, and one is killed in the middle of a command.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const [first, second] = await Promise.all([
  Sandbox.create({ envs: { NAME: "first" } }),
  Sandbox.create({ envs: { NAME: "second" } }),
]);
try {
  for (let round = 0; round < 5; round += 1) {
    const [one, two] = await Promise.all(
      [first, second].map((sandbox) => sandbox.commands.run(`echo $NAME ${round} >> log; cat log | wc -l`)),
    );
    assert.deepEqual([one.stdout.trim(), two.stdout.trim()], [String(round + 1), String(round + 1)]);
  }
  assert.match(await first.files.read("log"), /^first 0\nfirst 1\n/);
  assert.match(await second.files.read("log"), /^second 0\nsecond 1\n/);

  let seen = "";
  const endless = await first.commands.run("while true; do echo tick; sleep 0.1; done", {
    background: true,
    onStdout: (text) => (seen += text),
  });
  while (!seen.includes("tick")) await new Promise((resolve) => setTimeout(resolve, 50));
  const ending = assert.rejects(endless.wait());
  await first.kill();
  await ending;
  assert.equal(await first.isRunning(), false);
  await assert.rejects(first.files.read("log"));
  assert.equal((await second.commands.run("echo alive")).stdout, "alive\n");
} finally {
  await Promise.all([first.kill(), second.kill()]);
}
console.log("two done");

// Lists sandboxes page by page, with filters.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const run = `run ${Date.now()}`;
const sandboxes = [];
try {
  for (let index = 0; index < 4; index += 1) {
    sandboxes.push(
      await Sandbox.create({ metadata: { run, "a&b": "c=d e", index: String(index) }, timeoutMs: 300_000 }),
    );
  }
  await sandboxes[0].pause();
  const paginator = Sandbox.list({ limit: 3, query: { metadata: { run, "a&b": "c=d e" } } });
  const pages = [];
  while (paginator.hasNext) pages.push((await paginator.nextItems()).map(({ sandboxId }) => sandboxId));
  assert.deepEqual(
    pages.map((page) => page.length),
    [3, 1],
  );
  assert.deepEqual(pages.flat(), sandboxes.map(({ sandboxId }) => sandboxId).toReversed());
  const ask = async (query) => (await Sandbox.list({ query }).nextItems()).length;
  assert.equal(await ask({ metadata: { run }, state: ["running"] }), 3);
  assert.equal(await ask({ metadata: { run }, state: ["paused"] }), 1);
  assert.equal(await ask({ metadata: { run, index: "2" } }), 1);
  assert.equal(await ask({ metadata: { run: "another" } }), 0);
} finally {
  await Promise.all(sandboxes.map((sandbox) => sandbox.kill()));
}
console.log("paging done");

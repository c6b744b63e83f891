import assert from "node:assert/strict";
import { test } from "node:test";

import type { Machine } from "../../../src/backend/backend.js";
import { DiskReader } from "../../../src/core/machines/disk-reader.js";

const never = new Promise<never>(() => {});
const signal = new AbortController().signal;

test("a helper is offered while no caller uses it, and ends for a machine that needs its room", async () => {
  const offered = new Set<() => Promise<void>>();
  let opened = 0;
  let closed = 0;
  const reader = new DiskReader({
    open: async () => {
      opened += 1;
      return { died: never, channel: { closed: never } } as unknown as Machine;
    },
    close: async () => void (closed += 1),
    offer: (end) => {
      offered.add(end);
      return () => void offered.delete(end);
    },
  });
  let finish = () => {};
  const working = reader.use(signal, () => new Promise<void>((resolve) => (finish = resolve)));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(offered.size, 0);
  finish();
  await working;
  assert.equal(offered.size, 1);
  await reader.use(signal, async () => assert.equal(offered.size, 0));
  assert.deepEqual([opened, closed, offered.size], [1, 0, 1]);
  for (const end of offered) await end();
  assert.deepEqual([closed, offered.size], [1, 0]);
  await reader.use(signal, async () => {});
  assert.equal(opened, 2);
  await reader.retire();
  assert.deepEqual([closed, offered.size], [2, 0]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Receiver, WINDOW_BYTES } from "../../src/guest/receiver.js";

interface Taken {
  readonly receiver: Receiver;
  readonly delivered: Buffer[];
  readonly granted: number[];
  readonly failures: unknown[];
  /** Ends the delivery that is under way. */
  settle: (error?: Error) => void;
}

/** A receiver whose deliveries wait for the test. */
function held(from = 0): Taken {
  const taken: Omit<Taken, "receiver"> = { delivered: [], granted: [], failures: [], settle: () => {} };
  const receiver = new Receiver({
    from,
    mailbox: null,
    spend: () => {},
    deliver: (bytes) =>
      new Promise((resolve, reject) => {
        taken.delivered.push(bytes);
        taken.settle = (error) => (error ? reject(error) : resolve());
      }),
    grant: async (acked) => void taken.granted.push(acked),
    onFailed: (error) => taken.failures.push(error),
  });
  return Object.assign(taken, { receiver });
}

test("a window's worth of one-byte pieces is delivered in order, in a few blocks of bounded size", async () => {
  const taken = held();
  const text = Buffer.from(Array.from({ length: WINDOW_BYTES }, (_, index) => index % 251));
  for (let offset = 0; offset < text.length; offset += 1) {
    taken.receiver.take({ channel: 1, offset, bytes: text.subarray(offset, offset + 1) });
  }
  taken.receiver.takeEof(text.length);
  const flushed = taken.receiver.flushed();
  for (let count = 0; count < 20; count += 1) {
    await turn();
    taken.settle();
  }
  await flushed;
  assert.deepEqual(Buffer.concat(taken.delivered), text);
  assert.ok(taken.delivered.length <= 9, `${taken.delivered.length} deliveries`);
  assert.ok(taken.delivered.every(({ length }) => length <= 65_536));
  assert.equal(taken.granted.at(-1), text.length);
});

test("a delivery that fails: waiting pieces are dropped, no more window is granted, later pieces are ignored", async () => {
  const taken = held(10);
  taken.receiver.take({ channel: 1, offset: 10, bytes: Buffer.alloc(60_000) });
  await turn();
  taken.receiver.take({ channel: 1, offset: 60_010, bytes: Buffer.alloc(65_536) });
  taken.settle(new Error("the disk is full"));
  await taken.receiver.flushed();
  taken.receiver.take({ channel: 1, offset: 125_546, bytes: Buffer.alloc(65_536) });
  await turn();
  assert.deepEqual([taken.delivered.length, taken.granted, taken.failures.length], [1, [], 1]);
});

test("a guest that does not read its grants: no further bytes are taken from its queue, and no further window is granted", async () => {
  const grants: number[] = [];
  let delivered = 0;
  let hasRead = () => {};
  const receiver = new Receiver({
    from: 0,
    spend: () => {},
    deliver: async (bytes) => void (delivered += bytes.length),
    grant: (acked) => {
      grants.push(acked);
      return new Promise((resolve) => (hasRead = resolve));
    },
    onFailed: (error) => assert.fail(String(error)),
  });
  for (let count = 0; count < 4; count += 1) {
    receiver.take({ channel: 1, offset: count * 65_536, bytes: Buffer.alloc(65_536) });
  }
  await turn();
  assert.deepEqual([grants, delivered], [[65_536], 65_536]);
  hasRead();
  await turn();
  assert.deepEqual([grants, delivered], [[65_536, 131_072], 131_072]);
});

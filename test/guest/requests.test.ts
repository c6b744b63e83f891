import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { frameType } from "../../src/guest/messages.js";
import { Requests } from "../../src/guest/requests.js";
import { Streams } from "../../src/guest/streams.js";

test("a request's time-out counts only time in which the agent was free, also when another request blocks it in between", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const streams = new Streams();
  const sent: number[] = [];
  const requests = new Requests(streams, (_type, stream) => sent.push(stream));
  let failure: unknown = null;
  const ping = requests.perform("ping", {}, null, { timeoutMs: 100 }).catch((error: unknown) => (failure = error));
  t.mock.timers.tick(10);
  const commit = requests.perform("commit", {}, null, { timeoutMs: null, blocks: true });
  t.mock.timers.tick(85);
  streams.deliver({ type: frameType.response, stream: sent[1]!, payload: Buffer.from('{"ok":true}') });
  await commit;
  t.mock.timers.tick(99);
  await turn();
  assert.equal(failure, null);
  t.mock.timers.tick(100);
  await ping;
  assert.equal((failure as { code?: string } | null)?.code, "VM_DIED");
});

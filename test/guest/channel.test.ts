import assert from "node:assert/strict";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Channel } from "../../src/guest/channel.js";
import { connectUnix } from "../../src/host/socket.js";

const HOURS = 3;
const STEP_MS = 5_000;
/** More sync records than the kernel buffers for a paused reader. */
const MOST_WAITING_BYTES = 100_000;

test("a session waits for an agent that is paused for hours, and holds almost no memory for it", async (t) => {
  const path = join(tmpdir(), `pt-${process.pid}.sock`);
  const server = createServer({ pauseOnConnect: true }, (peer) => t.after(() => peer.destroy()));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const socket = await connectUnix(path);
  t.after(() => {
    socket.destroy();
    server.close();
  });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const cancel = new AbortController();
  const opening = Channel.open(socket, { deadlineMs: null, signal: cancel.signal });
  for (let ms = 0; ms < HOURS * 3_600_000; ms += STEP_MS) {
    t.mock.timers.tick(STEP_MS);
    await turn();
  }
  assert.ok(socket.writableLength < MOST_WAITING_BYTES, `${socket.writableLength} bytes wait`);
  cancel.abort();
  await assert.rejects(opening, { code: "ABORTED" });
  assert.ok(socket.destroyed);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { buildData } from "../../src/guest/frames.js";
import { list } from "../../src/guest/listing.js";
import { LyingAgent } from "./lies/lying-agent.js";

const ENTRIES = 400;

/** One entry of a list as its record. */
function record(path: string): Buffer {
  const entry = { path, type: "file", mode: 0o644, size: 1, uid: 0, gid: 0, mtime_s: 0, mtime_ns: 0 };
  const header = Buffer.from(JSON.stringify(entry));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header]);
}

test("a list that arrives in one piece: other work of the daemon gets turns while it is parsed", async () => {
  const names = Array.from({ length: ENTRIES }, (_, index) => `file-${String(index).padStart(5, "0")}`);
  const bytes = Buffer.concat(names.map(record));
  await using agent = await LyingAgent.listen({
    tell: (guest, stream) => {
      guest.frame("data", stream, buildData({ channel: 3, offset: 0, bytes }));
      guest.eof(stream, 3, bytes.length);
      guest.ok(stream, { entries: ENTRIES, more: false });
    },
  });
  const channel = await agent.connect();
  let turns = 0;
  let isDone = false;
  const count = () => {
    if (isDone) return;
    turns += 1;
    setImmediate(count);
  };
  let seen = 0;
  for await (const _ of list(channel, "/workspace")) {
    if (seen === 0) setImmediate(count);
    seen += 1;
  }
  isDone = true;
  channel.close();
  assert.equal(seen, ENTRIES);
  assert.ok(turns >= 5, `${turns} turns`);
});

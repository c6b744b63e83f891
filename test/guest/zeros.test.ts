import assert from "node:assert/strict";
import { ftruncateSync, openSync, closeSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { writeFile } from "../../src/guest/files.js";
import { frameType } from "../../src/guest/messages.js";
import { Stage } from "../../src/guest/stage.js";
import { AgentProcess } from "./agent-process.js";

const MIB = 1_048_576;

/** Zeros with a few bytes in them, as the daemon reads a sparse file. */
function* sparse(sizeBytes: number, data: ReadonlyMap<number, Buffer>): Generator<Buffer> {
  const whole = Buffer.alloc(sizeBytes);
  for (const [offset, bytes] of data) bytes.copy(whole, offset);
  for (let at = 0; at < sizeBytes; at += 65_536) yield whole.subarray(at, at + 65_536);
}

for (const mailboxBytes of [0, 4 * MIB]) {
  test(`zeros: holes are sent as their length (mailbox of ${mailboxBytes} bytes)`, async () => {
    await using agent = new AgentProcess({ mailboxBytes });
    const channel = await agent.connect();
    let sentBytes = 0;
    let zeros = 0;
    const send = channel.send.bind(channel);
    channel.send = (type, stream, payload) => {
      sentBytes += payload.length;
      if (type === frameType.zeros) zeros += 1;
      return send(type, stream, payload);
    };
    const sizeBytes = 40 * MIB + 123;
    const data = new Map([
      [5 * MIB + 7, Buffer.from("middle")],
      [sizeBytes - 3, Buffer.from("end")],
    ]);
    const expected = join(agent.workspace, "expected");
    const file = openSync(expected, "w");
    ftruncateSync(file, sizeBytes);
    for (const [offset, bytes] of data) writeSync(file, bytes, 0, bytes.length, offset);
    closeSync(file);
    await using stage = await Stage.open(channel, { path: join(agent.workspace, "d"), id: "a1" });
    const header = { path: "f", type: "file", mode: 0o644, mtimeS: 1, mtimeNs: 0, sizeBytes } as const;
    await stage.add(header, sparse(sizeBytes, data));
    await stage.finish();
    await stage.commit();
    await writeFile(channel, join(agent.workspace, "written"), sparse(sizeBytes, data));
    for (const name of ["d/f", "written"]) {
      const path = join(agent.workspace, name);
      assert.ok(readFileSync(path).equals(readFileSync(expected)), name);
    }
    assert.ok(statSync(join(agent.workspace, "d/f")).blocks < 200, "it is sparse");
    assert.ok(zeros > 60, `${zeros} frames of zeros`);
    assert.ok(sentBytes < 4 * MIB, `${sentBytes} bytes`);
  });
}

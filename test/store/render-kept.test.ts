import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { character, fc, inAll } from "../property.js";

import { KeptOutput } from "../../src/core/exec/kept-output.js";
import { openOutputLog } from "../../src/store/output-log.js";
import { renderKept } from "../../src/store/render-kept.js";
import { temporaryDirectory } from "./scratch.js";

const MIB = 1 << 20;

test("a log shows the same text as a result that was kept in memory", async (t) => {
  const directory = temporaryDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: character, maxLength: 40 })),
      fc.integer({ min: 8, max: 200 }),
      async (parts, limit) => {
        const log = await openOutputLog(join(directory, `${(run += 1)}`), "stdout");
        const kept = new KeptOutput(limit);
        for (const part of parts) {
          kept.add(Buffer.from(part));
          await log.append(Buffer.from(part));
        }
        await log.close();
        assert.deepEqual(await renderKept(log, limit, false), kept.render(false));
      },
    ),
    { numRuns: inAll(60) },
  );
});

test("output that was dropped from the disk counts as left out", async (t) => {
  const directory = temporaryDirectory(t);
  const log = await openOutputLog(directory, "stdout");
  const kept = new KeptOutput(MIB);
  for (let index = 0; index < 400; index += 1) {
    const bytes = Buffer.from(`line ${index} €\n`.repeat(4000));
    kept.add(bytes);
    await log.append(bytes);
  }
  assert.equal(log.keptRanges().length, 2);
  assert.deepEqual(await renderKept(log, MIB, false), kept.render(false));
  const most = await renderKept(log, 1 << 30, false);
  assert.equal(
    Buffer.byteLength(most.text.replace(/\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/, "")) + most.omittedBytes,
    log.totalBytes,
  );

  // Damaged bytes count in the same way.
  await log.close();
  rmSync(join(directory, "stdout.0"));
  const damaged = await renderKept(await openOutputLog(directory, "stdout"), MIB, false);
  assert.ok(damaged.text.startsWith(`\n[... ${damaged.omittedBytes} bytes left out ...]\n`));
  assert.equal(
    damaged.omittedBytes,
    kept.render(false).omittedBytes + Buffer.byteLength(kept.render(false).text.split("\n[...")[0]!),
  );
});

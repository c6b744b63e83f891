import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { buildOutputFields, KeptOutput } from "../../src/core/exec/kept-output.js";
import { OutputOrder, OutputOrderFile, type StreamName } from "../../src/store/output-order.js";
import { character, fc } from "../property.js";
import { temporaryDirectory } from "./scratch.js";

type Piece = readonly [stream: StreamName, bytes: Buffer];

const streams = ["stdout", "stderr"] as const;
const anyStream = fc.constantFrom(...streams);
const anyText = fc.string({ unit: character, maxLength: 12 }).map((text) => Buffer.from(text));
const anyBytes = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));

/** The result for pieces that arrived in this order. */
function resultOf(pieces: readonly Piece[], limit: number) {
  const kept = { stdout: new KeptOutput(limit), stderr: new KeptOutput(limit) };
  const order = new OutputOrder();
  for (const [stream, bytes] of pieces) {
    kept[stream].add(bytes);
    order.add(stream, bytes.length);
  }
  return buildOutputFields(kept.stdout.render(false), kept.stderr.render(false), order);
}

test("the interleaved pieces of a stream together are its output, for any cut and any encoding", () => {
  const anyPieces = fc.array(fc.tuple(anyStream, fc.oneof(anyText, anyBytes)));
  fc.assert(
    fc.property(anyPieces, fc.integer({ min: 8, max: 200 }), (pieces, limit) => {
      const result = resultOf(pieces, limit);
      for (const stream of streams) {
        const encoding = result[`${stream}_encoding`];
        const parts = result.interleaved!.filter((piece) => piece.stream === stream);
        assert.deepEqual(
          Buffer.concat(parts.map(({ text }) => Buffer.from(text, encoding))),
          Buffer.from(result[stream], encoding),
        );
        assert.ok(parts.every(({ text }) => text !== ""));
      }
    }),
  );
});

test("pieces come in the order of their arrival, characters whole", () => {
  const euro = Buffer.from("€");
  const { interleaved } = resultOf(
    [
      ["stderr", Buffer.from("a\n")],
      ["stdout", Buffer.concat([Buffer.from("1 "), euro.subarray(0, 1)])],
      ["stderr", Buffer.from("b\n")],
      ["stdout", Buffer.concat([euro.subarray(1), Buffer.from("\n")])],
      ["stdout", Buffer.from("2\n")],
    ],
    100,
  );
  assert.deepEqual(interleaved, [
    { stream: "stderr", text: "a\n" },
    { stream: "stdout", text: "1 " },
    { stream: "stderr", text: "b\n" },
    { stream: "stdout", text: "€\n2\n" },
  ]);
});

test("interleave: the mark for omitted bytes is where the bytes would have been", () => {
  const { interleaved } = resultOf(
    [
      ["stdout", Buffer.from("0123456789")],
      ["stderr", Buffer.from("e")],
      ["stdout", Buffer.from("abcdefghij")],
    ],
    8,
  );
  assert.deepEqual(interleaved, [
    { stream: "stdout", text: "0123\n[... 12 bytes left out ...]\n" },
    { stream: "stderr", text: "e" },
    { stream: "stdout", text: "ghij" },
  ]);
});

test("interleave: the order of millions of pieces stays small, and is exact at the end", () => {
  const order = new OutputOrder();
  for (let turn = 0; turn < 1_000_000; turn += 1) order.add(streams[turn % 2]!, 1);
  const runs = order.runs();
  assert.ok(runs.length <= 16_384);
  assert.equal(
    runs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    1_000_000,
  );
  assert.ok(runs.slice(-1_000).every(({ sizeBytes }) => sizeBytes === 1));
});

/** The runs of an order, read again from disk. */
async function readRuns(directory: string, totals: Record<StreamName, number>) {
  return (await OutputOrderFile.open(directory, totals)).runs().filter(({ sizeBytes }) => sizeBytes > 0);
}

test("interleave: an order read from disk equals the order that was added, also when it was saved in between", async (t) => {
  const directory = temporaryDirectory(t);
  const file = await OutputOrderFile.open(directory, { stdout: 0, stderr: 0 });
  const kept = new OutputOrder();
  const totals = { stdout: 0, stderr: 0 };
  for (let turn = 0; turn < 40_000; turn += 1) {
    const stream = streams[turn % 2]!;
    for (const order of [file, kept]) order.add(stream, 1 + (turn % 7));
    totals[stream] += 1 + (turn % 7);
    if (turn % 3_000 === 0) await file.save();
  }
  await file.save();
  assert.deepEqual(await readRuns(directory, totals), kept.runs());
});

test("interleave: the order of a writer that died fits the output on disk", async (t) => {
  const directory = temporaryDirectory(t);
  const file = await OutputOrderFile.open(directory, { stdout: 0, stderr: 0 });
  for (const [stream, sizeBytes] of [
    ["stdout", 5],
    ["stderr", 3],
    ["stdout", 4],
    ["stderr", 9],
  ] as const)
    file.add(stream, sizeBytes);
  await file.save();
  assert.equal(readFileSync(join(directory, "order"), "utf8"), "5\n3\n4\n");
  appendFileSync(join(directory, "order"), "1");
  assert.deepEqual(await readRuns(directory, { stdout: 7, stderr: 10 }), [
    { stream: "stdout", sizeBytes: 5 },
    { stream: "stderr", sizeBytes: 3 },
    { stream: "stdout", sizeBytes: 2 },
    { stream: "stderr", sizeBytes: 7 },
  ]);
  appendFileSync(join(directory, "order"), "x\n");
  assert.deepEqual(await readRuns(directory, { stdout: 0, stderr: 1 }), [{ stream: "stderr", sizeBytes: 1 }]);
});

test("a command that writes to one stream only has no order on disk", async (t) => {
  for (const stream of streams) {
    const directory = temporaryDirectory(t);
    const file = await OutputOrderFile.open(directory, { stdout: 0, stderr: 0 });
    file.add(stream, 100);
    await file.save();
    assert.throws(() => readFileSync(join(directory, "order")), { code: "ENOENT" });
  }
});

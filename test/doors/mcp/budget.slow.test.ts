import assert from "node:assert/strict";
import { test } from "node:test";

import { character, fc } from "../../property.js";

import { fitResult } from "../../../src/doors/mcp/budget.js";
import { cutText } from "../../../src/doors/mcp/cut.js";
import { renderPlain } from "../../../src/doors/mcp/plain-text.js";
import { renderResult } from "../../../src/doors/mcp/render.js";

interface Fitted {
  stdout: string;
  stderr: string;
  stdout_truncated: boolean;
  stdout_omitted_bytes: number;
}

function outcome(stdout: string, stderr = "", more: Record<string, unknown> = {}) {
  const counts = { stdout_omitted_bytes: 0, stderr_omitted_bytes: 0 };
  return {
    command: "c",
    exit_code: 0,
    stdout,
    stderr,
    stdout_truncated: false,
    stderr_truncated: false,
    ...counts,
    ...more,
  };
}

const fit = (result: Record<string, unknown>, maxBytes: number, raw = false) =>
  fitResult(result, { maxBytes, raw, bulk: ["stdout", "stderr"] }) as unknown as Fitted;

test("output within the budget is unchanged", () => {
  const { stdout, stdout_truncated } = fit(outcome("a\nb\n"), 100);
  assert.deepEqual([stdout, stdout_truncated], ["a\nb\n", false]);
});

test("output over the budget keeps head and tail, and the omitted bytes are counted", () => {
  const { stdout, stdout_truncated, stdout_omitted_bytes } = fit(outcome("a".repeat(500) + "b".repeat(500)), 100);
  assert.equal(stdout_truncated, true);
  assert.equal(stdout_omitted_bytes, 900);
  assert.match(stdout, /^a{50}\n\[\.\.\. 900 bytes left out \.\.\.\]\nb{50}$/);
});

test("cut output of a task's command names the offset to continue from", () => {
  const { stdout } = fit(outcome("a".repeat(1000), "", { sequence: 4 }), 100);
  assert.match(stdout, /stdout_offset 50 of task_exec_output/);
});

test("a text that was cut before is cut again: the bytes left out then are counted, the words about that cut are not", () => {
  const text = `${"a".repeat(300)}\n[... 7000 bytes left out ...]\n${"b".repeat(300)}`;
  const before = outcome(text, "", { stdout_truncated: true, stdout_omitted_bytes: 7000 });
  assert.equal(fit(before, 100).stdout_omitted_bytes, 7500);
});

test("a stream may use the rest of the other's share", () => {
  const { stdout, stderr } = fit(outcome("a".repeat(90), "b".repeat(10)), 100);
  assert.deepEqual([stdout.length, stderr.length], [90, 10]);
  const both = fit(outcome("a".repeat(900), "b".repeat(900)), 100);
  assert.match(both.stdout, /^a{25}\n/);
  assert.match(both.stderr, /^b{25}\n/);
});

test("no output exceeds the budget", () => {
  const marks = 200;
  fc.assert(
    fc.property(
      fc.string({ unit: character }),
      fc.string({ unit: character }),
      fc.nat(400),
      (stdout, stderr, maxBytes) => {
        const fitted = fit(outcome(stdout, stderr), maxBytes);
        assert.ok(Buffer.byteLength(fitted.stdout + fitted.stderr) <= maxBytes + marks);
      },
    ),
  );
});

test("a cut falls between characters, and counts each byte once", () => {
  fc.assert(
    // A replacement character counts as one byte, since it stands for a lost one.
    fc.property(fc.string({ unit: character, maxLength: 60 }), fc.nat(80), (any, maxBytes) => {
      const text = any.replaceAll("\ufffd", "");
      const cut = cutText(text, maxBytes);
      assert.ok(text.startsWith(cut.head) && text.endsWith(cut.tail));
      assert.equal(
        Buffer.byteLength(cut.head) + cut.omittedBytes + (cut.omittedBytes > 0 ? Buffer.byteLength(cut.tail) : 0),
        Buffer.byteLength(text),
      );
    }),
  );
});

test("terminal codes, titles, links and progress bars become text", () => {
  assert.equal(renderPlain("\u001b[31mred\u001b[0m"), "red");
  assert.equal(renderPlain("\u001b]0;title\u0007x\u001b]8;;http://a\u001b\\link\u001b]8;;\u001b\\"), "xlink");
  assert.equal(renderPlain("10 %\r50 %\r100 %\ndone\r\n"), "100 %\ndone\n");
  assert.equal(renderPlain("a\u0000b\u0008c\u0085d\te"), "abcd\te");
  assert.equal(fit(outcome("\u001b[31mred\u001b[0m"), 100, true).stdout, "\u001b[31mred\u001b[0m");
});

const binary = (bytes: Buffer, more: Record<string, unknown> = {}) =>
  outcome(bytes.toString("base64"), "", { stdout_encoding: "base64", stderr_encoding: "utf-8", ...more });

test("binary data: short data is whole, long data is cut to its beginning at any budget", () => {
  const little = Buffer.from([0, 255, 254, 1]);
  assert.equal(fit(binary(little), 10_000).stdout, little.toString("base64"));
  assert.match(renderResult("vm_run", { ...fit(binary(little), 10_000) }), /stdout \(binary, base64, 4 bytes\)/);
  const much = Buffer.alloc(30_000, "\x89PNG\0\xff", "latin1");
  const fitted = fit(binary(much), 32_768);
  assert.deepEqual(Buffer.from(fitted.stdout, "base64"), much.subarray(0, 768));
  assert.deepEqual([fitted.stdout_truncated, fitted.stdout_omitted_bytes], [true, 30_000 - 768]);
  assert.match(renderResult("vm_run", { ...fitted }), /stdout \(binary, base64, 768 of 30000 bytes\)/);
  assert.ok(fit(binary(much), 32_768, true).stdout.length > 32_000);
  const page = { stdout: much.toString("base64"), stdout_encoding: "base64", stderr: "", stderr_encoding: "utf-8" };
  assert.equal(fit(page, 98_304).stdout, page.stdout);
});

test("text with a few bytes that are not UTF-8 stays readable for a model, and says so", () => {
  const latin = Buffer.from("error: fichier 'r\xe9sum\xe9.txt' introuvable\n".repeat(20), "latin1");
  const fitted = fit(binary(latin), 10_000);
  const { stdout, stdout_encoding } = fitted as unknown as Record<"stdout" | "stdout_encoding", string>;
  assert.match(stdout, /^error: fichier 'r\uFFFDsum\uFFFD\.txt'/);
  assert.ok(stdout.endsWith("introuvable\n"));
  assert.equal(stdout_encoding, "utf-8, other bytes as U+FFFD");
  assert.match(renderResult("vm_run", { ...fitted }), /stdout \(utf-8, other bytes as U\+FFFD\):\nerror: fichier/);
});

test("many commands share one budget, the newest first", () => {
  const entries = Array.from({ length: 300 }, (_, index) =>
    outcome("x".repeat(1000), "", { sequence: index + 1, task_id: "t", command: "y".repeat(5000), state: "ended" }),
  );
  const fitted = fitResult(
    { task_id: "t", count: 300, entries },
    { maxBytes: 10_000, raw: false, bulk: ["entries[].stdout", "entries[].stderr"] },
  );
  const shown = fitted["entries"] as { sequence: number; stdout: string }[];
  assert.equal(shown.length, 100);
  assert.equal(shown.at(-1)?.stdout, "x".repeat(1000));
  assert.ok(JSON.stringify(fitted).length < 120_000);
  assert.match(renderResult("task_logs", fitted), /^\(200 older commands are not shown\)/);
});

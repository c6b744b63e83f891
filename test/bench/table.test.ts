import assert from "node:assert/strict";
import { test } from "node:test";

import { column, renderMarkdown, renderPlain } from "../../src/bench/table.js";

const table = {
  title: "Start of `true`",
  columns: [column.text("what"), column.count("n"), column.ms("p50"), column.ratio("÷ host"), column.mib("memory")],
  rows: [
    ["`a | b`", 20, 12.345, 0.5, 1500.4],
    ["longer than that", 3, 1234.5, 12.3, null],
  ],
  notes: ["runsc is not installed."],
};

test("a table as Markdown escapes pipes and rounds each cell by its unit", () => {
  const lines = [
    "### Start of `true`",
    "",
    "| what | n | p50 | ÷ host | memory |",
    "| --- | --- | --- | --- | --- |",
    "| `a \\| b` | 20 | 12.3 ms | 0.50× | 1500 MiB |",
    "| longer than that | 3 | 1235 ms | 12× |  |",
    "",
    "runsc is not installed.",
    "",
  ];
  assert.equal(renderMarkdown(table), lines.join("\n"));
});

test("a table for a terminal aligns figures to the right and has no backquotes", () => {
  const lines = [
    "Start of true",
    "  what               n      p50  ÷ host    memory",
    "  a | b             20  12.3 ms   0.50×  1500 MiB",
    "  longer than that   3  1235 ms     12×",
    "  runsc is not installed.",
    "",
  ];
  assert.equal(renderPlain(table), lines.join("\n"));
});

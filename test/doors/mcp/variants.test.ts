import assert from "node:assert/strict";
import { test } from "node:test";

import { operations } from "../../../src/contract/operations.js";
import { fitResult } from "../../../src/doors/mcp/budget.js";
import { renderVariants } from "../../../src/doors/mcp/variants.js";

const variant = (name: string, outcome: string, stdout = "") => ({
  ...{ name, command: `./try ${name}`, outcome, exit_code: 0, check_exit_code: null, error: null, duration_ms: 1500 },
  ...{ stdout, stdout_truncated: false, stdout_omitted_bytes: 0 },
  ...{ stderr: "", stderr_truncated: false, stderr_omitted_bytes: 0 },
  ...{ check_output: "", check_output_truncated: false, check_output_omitted_bytes: 0 },
  ...{ changed_count: 1, changed: [{ path: "a.txt", status: "modified", lines: "+2 -1" }] },
});

test("the variants of a try share the budget of an answer equally", () => {
  const long = "x".repeat(10_000);
  const variants = [variant("1", "passed", long), variant("2", "failed", long), variant("3", "failed", "short")];
  const result = { task_id: "task-0123456789ab", variants, kept: null, keep_error: null };
  const fitted = fitResult(result, { maxBytes: 3_000, raw: false, bulk: operations["task.try"].bulk });
  const shown = fitted["variants"] as ReturnType<typeof variant>[];
  assert.deepEqual(
    shown.map(({ stdout_truncated, stdout_omitted_bytes }) => [stdout_truncated, stdout_omitted_bytes]),
    [
      [true, 9_000],
      [true, 9_000],
      [false, 0],
    ],
  );
  assert.equal(shown[2]?.stdout, "short");
});

test("the answer for a model has each variant's outcome, changes and output, and the kept variant", () => {
  const variants = [
    variant("1", "passed", "done\n"),
    { ...variant("2", "error"), exit_code: null, error: { message: "It died." } },
  ];
  assert.equal(
    renderVariants({ variants, kept: "1", keep_error: null }),
    [
      "Variant 1 passed (exit_code 0) after 1.5 s: ./try 1\n1 changed: a.txt modified +2 -1\nstdout:\ndone",
      "Variant 2 error (It died.) after 1.5 s: ./try 2\n1 changed: a.txt modified +2 -1",
      "Kept: 1",
    ].join("\n\n"),
  );
  assert.match(
    renderVariants({ variants: [], kept: null, keep_error: { message: "No variant passed." } }),
    /^Kept: none\. No/,
  );
});

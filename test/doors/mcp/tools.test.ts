import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { getEncoding } from "js-tiktoken";

import type { Operation } from "../../../src/contract/operation.js";
import { operations } from "../../../src/contract/operations.js";
import { instructions } from "../../../src/doors/mcp/instructions.js";
import { readTools } from "../../../src/doors/mcp/tools.js";

const pinPath = fileURLToPath(new URL("../../../../test/doors/mcp/tools.json", import.meta.url));
const listed = [...readTools().values()].map((tool) => tool.listed);

/** What every session pays before the first call. */
const MAX_TOKENS = 8_000;

test("the tool list equals tools.json; PYRO_UPDATE_PINS=1 updates it", () => {
  const text = `${JSON.stringify(listed, null, 2)}\n`;
  if (process.env["PYRO_UPDATE_PINS"]) writeFileSync(pinPath, text);
  assert.equal(text, readFileSync(pinPath, "utf8"));
});

test("the tool list with the instructions is under 8,000 tokens of o200k_base", (t) => {
  const encoding = getEncoding("o200k_base");
  const tokens = encoding.encode(JSON.stringify({ tools: listed })).length + encoding.encode(instructions).length;
  t.diagnostic(`${tokens} tokens`);
  assert.ok(tokens < MAX_TOKENS, `${tokens} tokens`);
});

test("every operation with an MCP name is a tool", () => {
  const names = Object.values<Operation>(operations).flatMap(({ mcp }) => mcp?.tool ?? []);
  assert.deepEqual([...readTools().keys()].sort(), [...names].sort());
});

test("a tool is marked read-only when its operation changes nothing", () => {
  for (const { mcp, effect } of Object.values<Operation>(operations)) {
    const tool = mcp && readTools().get(mcp.tool);
    if (tool) assert.equal(tool.listed.annotations.readOnlyHint, effect === "reads", tool.name);
  }
});

test("hidden fields are not arguments of a tool", () => {
  const { input, listed } = readTools().get("task_exec_output")!;
  assert.ok(!("encoding" in input.shape));
  assert.ok(!("encoding" in (listed.inputSchema.properties ?? {})));
});

test("vm_run is the first tool, and the only one that calls itself the first choice", () => {
  assert.equal(listed[0]?.name, "vm_run");
  assert.deepEqual(
    listed.filter(({ description }) => description.includes("First choice")).map(({ name }) => name),
    ["vm_run"],
  );
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { getEncoding } from "js-tiktoken";

import { mcpProfiles, type McpProfile, type Operation } from "../../../src/contract/operation.js";
import { operations } from "../../../src/contract/operations.js";
import { instructions } from "../../../src/doors/mcp/instructions.js";
import { readTools } from "../../../src/doors/mcp/tools.js";

const pinPath = fileURLToPath(new URL("../../../../test/doors/mcp/tools.json", import.meta.url));
const listedIn = (profile?: McpProfile) => [...readTools(profile).values()].map((tool) => tool.listed);
const listed = listedIn("full");

/** The tokens that every session pays before the first call. */
const MAX_TOKENS: Readonly<Record<McpProfile, number>> = { core: 3_500, standard: 8_000, full: 11_000 };
/** The tokens that a model writes to change a line of a file. */
const MAX_EDIT_TOKENS = 300;

const encoding = getEncoding("o200k_base");
const tokensOf = (value: unknown) => encoding.encode(typeof value === "string" ? value : JSON.stringify(value)).length;

test("the tool list equals tools.json; PYRO_UPDATE_PINS=1 updates it", () => {
  const text = `${JSON.stringify(listed, null, 2)}\n`;
  if (process.env["PYRO_UPDATE_PINS"]) writeFileSync(pinPath, text);
  assert.equal(text, readFileSync(pinPath, "utf8"));
});

for (const profile of mcpProfiles) {
  test(`the tools of the profile ${profile} with the instructions: under ${MAX_TOKENS[profile]} tokens of o200k_base`, (t) => {
    const tokens = tokensOf({ tools: listedIn(profile) }) + tokensOf(instructions);
    t.diagnostic(`${tokens} tokens`);
    assert.ok(tokens < MAX_TOKENS[profile], `${tokens} tokens`);
  });
}

test("the profiles: each has the tools of the one before, standard is the default", () => {
  const names = mcpProfiles.map((profile) => listedIn(profile).map(({ name }) => name));
  const [core = [], standard = [], full = []] = names;
  for (const [some, more] of [
    [core, standard],
    [standard, full],
  ] as const) {
    assert.deepEqual(
      more.filter((name) => some.includes(name)),
      some,
    );
    assert.ok(more.length > some.length);
  }
  assert.deepEqual(listedIn(), listedIn("standard"));
  assert.deepEqual(core, [
    ...["vm_run", "task_create", "task_sync_push", "task_sync_pull", "task_diff"],
    ...["task_file_read", "task_file_write", "task_file_edit"],
    ...["task_exec", "task_exec_output", "task_status", "task_delete"],
  ]);
});

test("task_file_edit: a call that edits one line has less than 300 tokens", () => {
  const line = "    if (value === undefined || value.length > limits.maximum) throw new RangeError(name);";
  const call = { task_id: "task-0123456789ab", path: "/workspace/src/check.ts", old: line, new: `${line} // checked` };
  assert.ok(tokensOf({ name: "task_file_edit", arguments: call }) < MAX_EDIT_TOKENS);
});

test("every operation with an MCP name is a tool", () => {
  const names = Object.values<Operation>(operations).flatMap(({ mcp }) => mcp?.tool ?? []);
  assert.deepEqual([...readTools("full").keys()].sort(), [...names].sort());
});

test("a tool is marked read-only when its operation changes nothing", () => {
  for (const { mcp, effect } of Object.values<Operation>(operations)) {
    const tool = mcp && readTools("full").get(mcp.tool);
    if (tool) assert.equal(tool.listed.annotations.readOnlyHint, effect === "reads", tool.name);
  }
});

test("a tool has no argument for a hidden field", () => {
  const { input, listed } = readTools().get("task_exec_output")!;
  assert.ok(!("encoding" in input.shape));
  assert.ok(!("encoding" in (listed.inputSchema.properties ?? {})));
});

test("vm_run is the first tool, and the only one described as the first choice", () => {
  assert.equal(listed[0]?.name, "vm_run");
  assert.deepEqual(
    listed.filter(({ description }) => description.includes("First choice")).map(({ name }) => name),
    ["vm_run"],
  );
});

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { readContract } from "../../../src/contract/rendered.js";
import { buildCommands } from "../../../src/doors/cli/commands.js";
import { renderHelp } from "../../../src/doors/cli/help.js";

const goldenPath = fileURLToPath(new URL("../../../../test/doors/cli/help.txt", import.meta.url));

function renderPages(): string {
  const commands = buildCommands(readContract());
  const groups = new Set(
    commands.filter(({ words }) => words.length > 1).map(({ words }) => words.slice(0, 1)[0] ?? ""),
  );
  const pages = [[], ...[...groups].map((group) => [group]), ...commands.map(({ words }) => [...words])];
  return pages.map((words) => `$ pyro help ${words.join(" ")}\n${renderHelp(commands, words)}`).join("\n");
}

test("help equals help.txt; PYRO_UPDATE_PINS=1 updates it", () => {
  if (process.env["PYRO_UPDATE_PINS"]) writeFileSync(goldenPath, renderPages());
  assert.equal(renderPages(), readFileSync(goldenPath, "utf8"));
});

test("help fits 80 columns", () => {
  for (const line of renderPages().split("\n")) assert.ok(line.length <= 80, line);
});

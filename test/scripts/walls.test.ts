import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../../scripts/check-walls.mjs", import.meta.url));

/** The output of a check for sources given as path and text. */
function check(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "pt-walls-"));
  try {
    for (const [path, text] of Object.entries({ "docs/architecture/folders.md": "", ...files })) {
      mkdirSync(join(root, path, ".."), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [script], { cwd: root, encoding: "utf8" });
    const lines = stderr.split("\n").filter((line) => line !== "");
    assert.equal(status, lines.length > 0 ? 1 : 0);
    return lines;
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("walls: a folder may import itself and the folders of its row", () => {
  const files = { "src/store/a.ts": 'import "./b.js";\n', "src/store/b.ts": 'import { log } from "../host/log.js";\n' };
  assert.deepEqual(check(files), []);
});

test("walls: an import of another folder fails, also a type import, an import() call and an import of node:fs", () => {
  const files = {
    "src/workspace/a.ts": 'import type { Log } from "../host/log.js";\n',
    "src/doors/cli/b.ts": 'await import("../mcp/serve.js");\n',
    "src/core/c.ts": 'import { readFile } from "node:fs/promises";\n',
  };
  assert.deepEqual(check(files).toSorted(), [
    "src/core/c.ts imports node:fs/promises, but only host/ touches processes, sockets and files.",
    "src/doors/cli/b.ts imports src/doors/mcp/serve.ts, but doors/cli/ may import bench, client, contract.",
    "src/workspace/a.ts imports src/host/log.ts, but workspace/ may import contract.",
  ]);
});

test("walls: a table of folders.md that differs from the imports allowed fails", () => {
  const row = "| `src/store/` | records | contract, host |\n";
  assert.deepEqual(
    check({ "docs/architecture/folders.md": row, "src/host/a.ts": 'import "../contract/errors.js";\n' }),
    ["folders.md says that store/ may import contract, host; it may import contract, host, workspace."],
  );
});

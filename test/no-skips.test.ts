import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("../../test/", import.meta.url));

test("no test is skipped, todo or only: a test that cannot run fails and names the next step", () => {
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".test.ts"));
  assert.ok(files.length > 100, `${files.length} files`);
  const left = files.filter((path) =>
    /\b(?:test|it|describe|context|t)\.(?:skip|todo|only)\b|[{,]\s*(?:skip|todo|only)\b\s*[:,}]/.test(
      readFileSync(`${sources}${path}`, "utf8"),
    ),
  );
  assert.deepEqual(left, []);
});

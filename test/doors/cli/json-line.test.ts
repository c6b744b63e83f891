import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { jsonLine } from "../../../src/doors/cli/json-line.js";

const controls = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("");

test("JSON on standard output has no control characters, also in names, and the same value", () => {
  for (const value of [controls, { [controls]: [`ä🙂\u00a0${controls}`] }, []]) {
    for (const indent of [0, 2]) {
      const line = jsonLine(value, indent);
      assert.doesNotMatch(line.replaceAll("\n", ""), /\p{Cc}/u);
      assert.deepEqual(JSON.parse(line), value);
    }
  }
  assert.equal(jsonLine({ a: "\u009b2J" }), '{"a":"\\u009b2J"}\n');
});

test("the command line writes JSON through jsonLine alone", () => {
  const directory = fileURLToPath(new URL("../../../../src/doors/cli/", import.meta.url));
  const names = readdirSync(directory).filter((name) => name.endsWith(".ts") && name !== "json-line.ts");
  assert.ok(names.length > 30);
  const other = names.filter((name) => /JSON\.stringify\(.*\\n`/.test(readFileSync(`${directory}${name}`, "utf8")));
  assert.deepEqual(other, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseInput } from "../../../src/contract/input.js";
import { operations } from "../../../src/contract/operations.js";
import { resolveCwd } from "../../../src/core/exec/cwd.js";

test("a working directory: a relative one starts at the directory of the other commands", () => {
  const cases: readonly (readonly [given: string | undefined, base: string, resolved: string])[] = [
    [undefined, "/workspace", "/workspace"],
    ["/a/../b/", "/workspace", "/a/../b/"],
    ["app", "/workspace", "/workspace/app"],
    ["./app/", "/srv", "/srv/app/"],
    ["..", "/", "/"],
  ];
  for (const [given, base, resolved] of cases) assert.equal(resolveCwd(given, base), resolved, given);
});

test("a working directory that no guest can have is refused by its name", () => {
  const refusals = {
    "a\0b": /cwd: no NUL bytes/,
    ["ü".repeat(2048)]: /cwd: at most 4095 bytes/,
    "": /cwd: it is empty/,
  };
  for (const [cwd, message] of Object.entries(refusals)) {
    const parse = () => parseInput(operations["vm.run"].input, { environment: "e", command: "true", cwd });
    assert.throws(parse, { code: "INVALID_ARGUMENT", message });
  }
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const library = fileURLToPath(new URL("../../../preload/build/pyro-ram.so", import.meta.url));
const mapsWith = (env: NodeJS.ProcessEnv) => execFileSync("cat", ["/proc/self/maps"], { env, encoding: "utf8" });

test("a program that is loaded with pyro-ram.so: has no heap that the kernel extends, since a continued one would lose it", () => {
  assert.match(mapsWith({}), /\[heap\]/);
  assert.doesNotMatch(mapsWith({ LD_PRELOAD: library }), /\[heap\]/);
});

import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { character, fc } from "../property.js";

const name = fc
  .string({ unit: character, minLength: 1, maxLength: 60 })
  .map((text) => text.replaceAll("/", "_").replaceAll("\0", "_"))
  .filter((text) => text !== "." && text !== "..");
const kind = fc.constantFrom("file", "directory", "symlink", "hardlink");

/** Plans of trees: names with every byte that UTF-8 and Linux allow, deep paths, many links. */
export const anyPlan = fc.array(
  fc.record({
    parts: fc.array(name, { minLength: 1, maxLength: 8 }),
    kind,
    content: fc.string(),
    mode: fc.integer({ min: 0, max: 0o777 }),
  }),
  { maxLength: 15 },
);
type Plan = typeof anyPlan extends fc.Arbitrary<infer Value> ? Value : never;

/** Makes the tree of a plan in a directory. */
export function plantAny(root: string, plan: Plan): void {
  const files: string[] = [];
  for (const { parts, kind, content, mode } of plan) {
    const path = join(root, ...parts);
    try {
      mkdirSync(join(path, ".."), { recursive: true });
      const file = files.at(-1);
      if (kind === "directory") mkdirSync(path);
      else if (kind === "symlink") symlinkSync(parts.at(-1) ?? "", path);
      else if (kind === "hardlink" && file !== undefined) linkSync(file, path);
      else {
        writeFileSync(path, content, { flag: "wx" });
        chmodSync(path, mode | 0o400);
        files.push(path);
      }
    } catch (error) {
      // Two names of the plan are equal: only one can exist.
      assert.match((error as NodeJS.ErrnoException).code ?? "", /EEXIST|ENOTDIR|ELOOP/);
    }
  }
}

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Kept inputs, one file for each target, one input in base64 for each line. */
const DIRECTORY = fileURLToPath(new URL("../../../test/fuzz/corpus", import.meta.url));
/** A corpus stays small: it is read at each `make test`. */
const MOST_INPUTS = 60;
const MOST_INPUT_BYTES = 512;

const pathOf = (name: string) => join(DIRECTORY, `${name}.txt`);

export function readCorpus(name: string): Buffer[] {
  if (!existsSync(pathOf(name))) return [];
  const lines = readFileSync(pathOf(name), "utf8").trim().split("\n");
  return lines.map((line) => Buffer.from(line, "base64"));
}

/** Adds inputs, the short ones only. */
export function writeCorpus(name: string, inputs: readonly Buffer[]): void {
  const kept = readCorpus(name);
  const fresh = inputs
    .filter(({ length }) => length <= MOST_INPUT_BYTES)
    .toSorted((a, b) => a.length - b.length)
    .slice(0, Math.max(0, MOST_INPUTS - kept.length));
  if (kept.length + fresh.length === 0) return;
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(pathOf(name), [...kept, ...fresh].map((input) => `${input.toString("base64")}\n`).join(""));
}

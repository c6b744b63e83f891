import { spawnSync } from "node:child_process";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const LARGE_MIB = 256;
export const FILES = 10_000;
export const FOLDERS = 800;
/** Sizes of the files in bytes, used in turn: the median of a checkout's files is near 2 KB. */
const SMALL_SIZES = [300, 900, 2_000, 2_500, 4_000, 6_000, 8_000];

/** How long a line of shell takes, in ms. Throws when it fails. */
export function timeShell(line: string, env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status } = spawnSync("sh", ["-c", `${line} >/dev/null 2>&1`], { env, stdio: "ignore" });
  if (status !== 0) throw new Error(`status ${status}: ${line}`);
  return performance.now() - started;
}

/** A directory with one large file. */
export function makeLarge(path: string): void {
  mkdirSync(path);
  const block = noise(1_048_576, 1);
  for (let index = 0; index < LARGE_MIB; index++) writeFileSync(join(path, "large"), block, { flag: "a" });
}

/** Small files in many directories. Times of whole seconds in one half, of fractions in the other, as checkouts and copies have them. */
export function makeSmall(path: string): void {
  for (let folder = 0; folder < FOLDERS; folder++) mkdirSync(folderOf(path, folder), { recursive: true });
  for (let index = 0; index < FILES; index++) {
    const file = join(folderOf(path, index % FOLDERS), `source-file-${index}.ts`);
    writeFileSync(file, noise(SMALL_SIZES[index % SMALL_SIZES.length] ?? 0, index));
    if (index % 2 === 0) utimesSync(file, 1_700_000_000 + index, 1_700_000_000 + index);
  }
}

function folderOf(path: string, folder: number): string {
  return join(path, `package-${folder % 40}`, `module-${Math.floor(folder / 40)}`);
}

function noise(sizeBytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + seed, 2_654_435_761);
  return Buffer.from(words.buffer, 0, sizeBytes);
}

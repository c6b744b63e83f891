import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Works in a directory like a build and an editor, until it is killed. Prints a line when it has begun. */
const root = process.argv[2] ?? "";
const at = (name: string) => join(root, name);
const page = (version: number) => String.fromCharCode(97 + (version % 26)).repeat(4_000);

for (let turn = 0; ; turn++) {
  appendFileSync(at("log"), `${String(turn).padStart(9, "0")}\n`);
  writeFileSync(at("new.tmp"), page(turn));
  renameSync(at("new.tmp"), at("renamed"));
  writeFileSync(at("rewritten"), page(turn));
  rmSync(at("build"), { recursive: true, force: true });
  mkdirSync(at("build/objects"), { recursive: true });
  for (let file = 0; file < 20; file++) writeFileSync(at(`build/objects/${file}.o`), page(turn));
  if (turn === 20) process.stdout.write("begun\n");
}

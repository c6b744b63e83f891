import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The links of `layOutLinkedProject` that lead out of the project. */
export const leaving = ["a-bin", "a-chain", "bazel-out", "broken-out", "loop-out", "result", "shared"];
/** The links among them that lead nowhere, so that `follow` finds nothing. */
export const dead = ["broken-out", "loop-out"];

/** A project as tools leave it: links within it, links that lead out, and their targets beside it. Returns its path. */
export function layOutLinkedProject(scratch: string): string {
  const root = join(scratch, "project");
  const at = (name: string) => join(root, name);
  mkdirSync(at("node_modules/.bin"), { recursive: true });
  mkdirSync(at("node_modules/pkg"));
  mkdirSync(at("src"));
  writeFileSync(at("src/main"), "main");
  writeFileSync(at("node_modules/pkg/cli.js"), "cli");
  symlinkSync("../pkg/cli.js", at("node_modules/.bin/cli"));
  symlinkSync("nothing", at("broken-inside"));
  symlinkSync("../../project/src/..", at("src/out-and-in"));
  mkdirSync(join(scratch, "store/lib"), { recursive: true });
  writeFileSync(join(scratch, "store/lib/lib.so.1"), "library");
  symlinkSync("lib.so.1", join(scratch, "store/lib/lib.so"));
  symlinkSync(join(scratch, "shared"), join(scratch, "store/again"));
  mkdirSync(join(scratch, "shared"));
  writeFileSync(join(scratch, "shared/text"), "shared");
  symlinkSync("../project", join(scratch, "shared/back"));
  symlinkSync(join(scratch, "store"), at("result"));
  symlinkSync(join(scratch, "store/lib"), at("bazel-out"));
  symlinkSync("../shared", at("shared"));
  symlinkSync("/bin/true", at("a-bin"));
  symlinkSync("a-bin", at("a-chain"));
  symlinkSync("/none/such", at("broken-out"));
  symlinkSync("..", at("loop-out"));
  return root;
}

/** A virtual environment, whose interpreter is a link to that of this host. */
export function makeVirtualEnvironment(path: string): void {
  execFileSync("python3", ["-m", "venv", "--without-pip", path]);
}

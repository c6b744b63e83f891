import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The package as `npm pack` makes it from a checkout without built files, in a directory of its own. */
export class Packed implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pt-pack-"));
  readonly checkout = join(this.directory, "checkout");
  readonly tarball: string;

  constructor() {
    const files = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0").filter(Boolean);
    for (const file of files) copyFile(file, this.checkout);
    symlinkSync(join(root, "node_modules"), join(this.checkout, "node_modules"));
    const names = run(this.checkout, "npm", "pack", "--silent", "--pack-destination", this.directory);
    this.tarball = join(this.directory, names.trim().split("\n").at(-1) ?? "");
  }

  /** The paths of all files in the package, without the leading directory. */
  files(): string[] {
    const names = run(this.directory, "tar", "--list", "--file", this.tarball).trim().split("\n");
    return names.map((name) => name.replace(/^package\//, ""));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

function copyFile(file: string, target: string): void {
  // A file that was deleted without a commit is still listed.
  if (!existsSync(join(root, file))) return;
  const to = join(target, file);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(root, file), to);
}

function git(...args: string[]): string {
  return run(root, "git", ...args);
}

function run(cwd: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd, encoding: "utf8", maxBuffer: 1 << 26 });
}

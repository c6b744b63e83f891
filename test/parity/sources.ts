import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the table pushes: a tree, the same as an archive, and sources that are refused. */
export function makeSources(): string {
  const root = mkdtempSync(join(tmpdir(), "pt-sources-"));
  const tree = join(root, "tree");
  mkdirSync(join(tree, "grün"), { recursive: true });
  writeFileSync(join(tree, "grün", "世界.txt"), "hello\n");
  writeFileSync(join(tree, "run.sh"), "#!/bin/sh\ntrue\n");
  writeFileSync(join(tree, "noise.log"), "x\n");
  chmodSync(join(tree, "run.sh"), 0o755);
  utimesSync(join(tree, "run.sh"), 1_000_000_000, 1_000_000_000);
  symlinkSync("run.sh", join(tree, "link"));
  const tar = (...args: string[]) => execFileSync("tar", args, { cwd: root });
  tar("--sort=name", "-czf", "tree.tgz", "-C", "tree", "grün", "link", "run.sh");
  writeFileSync(join(root, "half.tgz"), readFileSync(join(root, "tree.tgz")).subarray(0, 150));
  writeFileSync(join(root, "text.tar"), "no archive\n".repeat(100));
  writeFileSync(join(root, "plain"), "x");
  tar("-cf", "escapes.tar", "--transform=s,^plain,../escaped,", "-P", "plain");
  symlinkSync("../../etc/passwd", join(root, "leaves"));
  tar("-cf", "link.tar", "leaves");
  mkdirSync(join(root, "special"));
  execFileSync("mkfifo", [join(root, "special", "pipe")]);
  return root;
}

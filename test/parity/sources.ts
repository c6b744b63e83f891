import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { gnuLong, pax, tar } from "../archive/raw-tar.js";
import { directory, file, hardlink, symlink } from "../archive/specimen.js";

/** The sources that the table pushes: a tree, the same tree as an archive, and sources that are refused. */
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
  cpSync(tree, join(root, "pulled"), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const gnuTar = (...args: string[]) => execFileSync("tar", args, { cwd: root });
  gnuTar("--sort=name", "-czf", "tree.tgz", "-C", "tree", "grün", "link", "run.sh");
  writeFileSync(join(root, "half.tgz"), readFileSync(join(root, "tree.tgz")).subarray(0, 150));
  writeFileSync(join(root, "text.tar"), "no archive\n".repeat(100));
  writeFileSync(join(root, "plain"), "x");
  gnuTar("-cf", "escapes.tar", "--transform=s,^plain,../escaped,", "-P", "plain");
  symlinkSync("../../etc/passwd", join(root, "leaves"));
  gnuTar("-cf", "link.tar", "leaves");
  makeRepository(join(root, "repository"));
  mkdirSync(join(root, "special"));
  execFileSync("mkfifo", [join(root, "special", "pipe")]);
  symlinkSync("loop", join(root, "loop"));
  mkdirSync(join(root, "linked"));
  writeFileSync(join(root, "linked", "file"), "");
  symlinkSync("/etc/hostname", join(root, "linked", "abs"));
  symlinkSync("../tree/run.sh", join(root, "linked", "out"));
  for (const [name, bytes] of Object.entries(refusedArchives())) writeFileSync(join(root, name), bytes);
  return root;
}

/** One file that Git tracks, one that it ignores, and one that it does not know. */
function makeRepository(path: string): void {
  mkdirSync(path);
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const git = (...args: string[]) => execFileSync("git", args, { cwd: path, env, stdio: "ignore" });
  git("init", "--quiet");
  for (const name of ["tracked", "ignored.log", "unknown"]) writeFileSync(join(path, name), `${name}\n`);
  writeFileSync(join(path, ".gitignore"), "*.log\n");
  git("add", "tracked", ".gitignore");
}

/** Archives that GNU tar would not make. */
function refusedArchives(): Record<string, Buffer> {
  const deep = (number: number) => `${number}/${"p/".repeat(2040)}x`;
  const many = Array.from({ length: 500 }, (_, number) => [gnuLong("L", deep(number)), file("x", "")]);
  return {
    "absolute.tar": tar(file("/etc/passwd")),
    "through-link.tar": tar(directory("d"), symlink("l", "d"), file("l/x")),
    "hard-link.tar": tar(hardlink("h", "none")),
    "special.tar": tar({ name: "pipe", type: "6" }),
    "types.tar": tar(file("x"), directory("x")),
    "name.tar": tar({ name: Buffer.from([0xff, 0xfe]) }),
    "long.tar": tar(gnuLong("L", "n".repeat(256)), file("x")),
    "many.tgz": gzipSync(tar(...many.flat())),
    "huge.tar": tar(pax({ "GNU.sparse.size": String(2 ** 50), "GNU.sparse.map": "0,1" }), file("huge", "x")),
  };
}

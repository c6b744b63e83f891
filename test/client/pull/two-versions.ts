import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Version = 0 | 1;

const DIRECTORIES = 20;

/** A tree of files in two versions: most files change, a tenth stays the same, and a tenth exists in one version only. */
export class TwoVersions {
  readonly #files: number;

  constructor(files: number) {
    this.#files = files;
  }

  /** Makes a directory of this host the version. */
  write(root: string, version: Version): void {
    for (let directory = 0; directory < DIRECTORIES; directory += 1)
      mkdirSync(join(root, `d${directory}`), { recursive: true });
    for (let n = 0; n < this.#files; n += 1) {
      const path = join(root, `d${n % DIRECTORIES}`, `f${n}`);
      const text = textOf(n, version);
      if (text === null) rmSync(path, { force: true });
      else writeFileSync(path, text);
    }
  }

  /** The command of a shell that does the same in its directory. */
  command(version: Version): string {
    const only = `case $((n % 10)) in ${version}) rm -f $f;; 9) printf same >$f;;`;
    const loop = `while [ $n -lt ${this.#files} ]; do f=d$((n % ${DIRECTORIES}))/f$n;`;
    return `n=0; ${loop} ${only} *) printf 'version ${version} of %s' $n >$f;; esac; n=$((n + 1)); done`;
  }

  /** The version of a tree; fails when the tree is neither, a part of one, or has further entries. */
  find(root: string): Version {
    const found: Record<string, string> = {};
    for (const directory of readdirSync(root)) {
      for (const name of readdirSync(join(root, directory)))
        found[`${directory}/${name}`] = readFileSync(join(root, directory, name), "utf8");
    }
    const version = "d1/f1" in found ? 0 : 1;
    const expected: Record<string, string> = {};
    for (let n = 0; n < this.#files; n += 1) {
      const text = textOf(n, version);
      if (text !== null) expected[`d${n % DIRECTORIES}/f${n}`] = text;
    }
    assert.deepEqual(found, expected);
    return version;
  }
}

function textOf(n: number, version: Version): string | null {
  if (n % 10 === version) return null;
  return n % 10 === 9 ? "same" : `version ${version} of ${n}`;
}

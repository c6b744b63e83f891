import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import type { Entry } from "../../src/workspace/entry.js";
import { renderDiff, type Side } from "../../src/workspace/unified.js";
import { fc } from "../property.js";

type Content = { readonly text: string | Buffer; readonly mode?: number } | { readonly target: string } | null;

class Repository implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pyro-diff-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  git(...args: string[]): string {
    const { stdout, stderr, status } = spawnSync(
      "git",
      ["-c", "core.filemode=true", "-c", "user.name=t", "-c", "user.email=t@t", ...args],
      {
        cwd: this.path,
        encoding: "utf8",
      },
    );
    assert.equal(status, 0, stderr);
    return stdout;
  }

  write(path: string, content: Content): void {
    const target = join(this.path, path);
    rmSync(target, { force: true });
    if (content === null) return;
    mkdirSync(dirname(target), { recursive: true });
    if ("target" in content) symlinkSync(content.target, target);
    else writeFileSync(target, content.text);
    if ("text" in content) chmodSync(target, content.mode ?? 0o644);
  }
}

function sideOf(path: string, content: Content): Side {
  if (content === null) return { path, entry: null, bytes: null };
  if ("target" in content) return { path, entry: { type: "link", target: content.target }, bytes: null };
  const bytes = Buffer.from(content.text);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const entry: Entry = { type: "file", mode: content.mode ?? 0o644, sizeBytes: bytes.length, digest };
  return { path, entry, bytes };
}

/** Git's output for the same change. */
function gitDiff(path: string, before: Content, after: Content): string {
  using repository = new Repository();
  repository.git("init", "-q");
  repository.write(path, before);
  repository.git("add", "-A");
  repository.git("commit", "-q", "--allow-empty", "-m", "base");
  repository.write(path, after);
  repository.git("add", "-A");
  return repository.git("diff", "--cached", "--no-color", "--no-renames");
}

const source = Array.from({ length: 40 }, (_, index) => `line ${index}`);
const changed = source.with(5, "other").toSpliced(20, 3).toSpliced(33, 0, "new");
const code =
  "function first() {\n  a();\n  b();\n  c();\n  d();\n}\n\nfunction second() {\n  e();\n  f();\n  g();\n  h();\n  i();\n}\n";
const cases: readonly (readonly [title: string, path: string, before: Content, after: Content])[] = [
  ["a changed file", "a.txt", { text: `${source.join("\n")}\n` }, { text: `${changed.join("\n")}\n` }],
  ["a function's name in the hunk", "a.js", { text: code }, { text: code.replace("h();", "H();") }],
  ["a new file", "d/a.txt", null, { text: "one\ntwo\n" }],
  ["a new executable file", "a.sh", null, { text: "one\n", mode: 0o755 }],
  ["a deleted file", "a.txt", { text: "one\ntwo\n" }, null],
  ["a new empty file", "a.txt", null, { text: "" }],
  ["a file that became empty", "a.txt", { text: "one\n" }, { text: "" }],
  ["a missing last line break", "a.txt", { text: "one\ntwo\n" }, { text: "one\ntwo" }],
  ["a last line break that comes", "a.txt", { text: "one\ntwo" }, { text: "one\ntwo\n" }],
  ["a mode alone", "a.txt", { text: "one\n" }, { text: "one\n", mode: 0o755 }],
  ["mode and content", "a.txt", { text: "one\n" }, { text: "two\n", mode: 0o755 }],
  ["a link", "a", null, { target: "b/c" }],
  ["another target", "a", { target: "b" }, { target: "c" }],
  ["a name beyond ASCII with a quote", 'ä"\t.txt', { text: "one\n" }, { text: "two\n" }],
  ["carriage returns", "a.txt", { text: "one\r\ntwo\r\n" }, { text: "one\r\n2\r\n" }],
];

for (const [title, path, before, after] of cases) {
  test(`renderDiff: ${title} equals git's output`, () => {
    assert.equal(renderDiff(sideOf(path, before), sideOf(path, after)).text, gitDiff(path, before, after));
  });
}

test("renderDiff: a binary file is a summary", () => {
  const diff = renderDiff(sideOf("a", { text: Buffer.from([0, 1]) }), sideOf("a", { text: Buffer.from([0, 2]) }));
  assert.equal(diff.text, "diff --git a/a b/a\nBinary files a/a and b/a differ\n");
  assert.ok(diff.isSummary);
});

test("renderDiff: a renamed file has no hunks", () => {
  const { text } = renderDiff(sideOf("a", { text: "one\n" }), sideOf("d/b", { text: "one\n" }));
  assert.equal(text, "diff --git a/a b/d/b\nsimilarity index 100%\nrename from a\nrename to d/b\n");
});

test("renderDiff: counts lines", () => {
  const { additions, deletions } = renderDiff(
    sideOf("a", { text: "1\n2\n3\n" }),
    sideOf("a", { text: "1\n4\n5\n6\n" }),
  );
  assert.deepEqual({ additions, deletions }, { additions: 3, deletions: 2 });
});

test("renderDiff: git applies any difference of two texts", () => {
  using repository = new Repository();
  const lines = fc.array(fc.constantFrom("a", "b", "c", "", "function x() {"), { maxLength: 30 });
  const texts = fc
    .tuple(lines, fc.boolean())
    .map(([all, ends]) => all.join("\n") + (ends && all.length > 0 ? "\n" : ""));
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      fc.pre(before !== after);
      const { text } = renderDiff(sideOf("f", { text: before }), sideOf("f", { text: after }));
      repository.write("f", { text: before });
      writeFileSync(join(repository.path, "patch"), text);
      repository.git("apply", "patch");
      assert.equal(readFileSync(join(repository.path, "f"), "utf8"), after);
    }),
    { numRuns: 40 },
  );
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const pages = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

test("every link of a page leads to an existing file of this checkout, and to an existing heading", () => {
  assert.ok(pages.length > 20, `${pages.length} pages`);
  const dead = pages.flatMap((page) =>
    linksOf(page)
      .filter((link) => !leadsSomewhere(page, link))
      .map((link) => [page, link]),
  );
  assert.deepEqual(dead, []);
});

test("every file that a page names in backquotes by its path is in this checkout", () => {
  const dead = pages.flatMap((page) => {
    const named = withoutFences(page).matchAll(
      /`((?:src|test|guest|gate|keeper|preload|e2b|deploy|docs|scripts|python|protocol|examples|bench)\/[\w./-]+)`/g,
    );
    return [...named]
      .map(([, path = ""]) => path)
      .filter((path) => !path.includes("NAME") && !isThere(path))
      .map((path) => [page, path]);
  });
  assert.deepEqual(dead, []);
});

test("every make target that a page names in backquotes is in the Makefile", () => {
  const targets = new Set(
    [...readFileSync(join(root, "Makefile"), "utf8").matchAll(/^([\w-]+):/gm)].map(([, name]) => name),
  );
  const dead = pages.flatMap((page) =>
    [...withoutFences(page).matchAll(/`(?:[A-Z_]+=\S+ )*make ([a-z][\w-]*)`/g)]
      .filter(([, name]) => !targets.has(name!))
      .map(([command]) => [page, command]),
  );
  assert.deepEqual(dead, []);
});

test("each row of SECURITY.md's attacks names what tests it", () => {
  const [, table = ""] = readFileSync(join(root, "SECURITY.md"), "utf8").split("## Attacks, layers, tests");
  const rows = [...table.split("\n## ")[0]!.matchAll(/^\|(?! who attacks |---)(.*)\|$/gm)].map(([, row = ""]) =>
    row.split(" | "),
  );
  assert.ok(rows.length > 25, `${rows.length} rows`);
  const untested = rows.filter((cells) => {
    const tests = cells.at(-1)!.trim();
    return (
      cells.length !== 4 ||
      (tests !== "the same" && !/`(?:make [\w-]+|(?:\w+\/)?test\/[\w./-]+|\w+\/fuzz\/)`/.test(tests))
    );
  });
  assert.deepEqual(untested, []);
});

function isThere(path: string): boolean {
  return existsSync(join(root, path));
}

function linksOf(page: string): string[] {
  return [...withoutFences(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!isThere(target)) return false;
  return heading === undefined || anchorsOf(target).includes(heading);
}

/** Headings as their anchors: lower case, hyphens for spaces, no punctuation. */
function anchorsOf(page: string): string[] {
  return [...withoutFences(page).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function withoutFences(page: string): string {
  return readFileSync(join(root, page), "utf8").replaceAll(/^ *```[^]*?^ *```/gm, "");
}

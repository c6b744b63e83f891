import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface Component {
  readonly name: string;
  readonly version?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json")) as { dependencies: object; files: string[] };
const dependencies = Object.keys(manifest.dependencies);
const packages = /^packages="([^"]+)"$/m.exec(read("scripts/setup.sh"))![1]!.split(" ");
/** The directories of programs in C; a Makefile builds each. */
const directoriesOfC = () =>
  readdirSync(root)
    .filter((name) => existsSync(join(root, name, "Makefile")))
    .toSorted();

test("each dependency has a reason on its page, and no other is named there", () => {
  const rows = read("docs/dependencies.md").match(/^\| `.*$/gm) ?? [];
  const named = rows.flatMap((row) => row.split("|")[1]!.match(/[^`\s,]+/g) ?? []);
  assert.deepEqual(named.toSorted(), [...dependencies, ...packages].toSorted());
});

const readSbom = () => execFileSync(process.execPath, [join(root, "scripts/sbom.mjs")], { encoding: "utf8" });

test("two bills of materials of the same parts are equal", () => {
  assert.equal(readSbom(), readSbom());
});

test("the bill of materials has every npm package, program and Debian package, and the digests of the programs", () => {
  const text = readSbom();
  const { bomFormat, components } = JSON.parse(text) as { bomFormat: string; components: Component[] };
  assert.equal(bomFormat, "CycloneDX");
  const find = (name: string) => components.find((component) => component.name === name);
  for (const name of [...dependencies, ...packages]) assert.ok(find(name), `${name} is missing`);
  const built = manifest.files.filter((path) => path.includes("/build/"));
  assert.deepEqual([...new Set(built.map((path) => path.split("/")[0]))].toSorted(), directoriesOfC());
  for (const path of built) {
    const content = createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex");
    assert.deepEqual(find(path.split("/").at(-1)!)?.hashes, [{ alg: "SHA-256", content }]);
  }
});

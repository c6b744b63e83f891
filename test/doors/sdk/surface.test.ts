import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const built = fileURLToPath(new URL("../../../src/", import.meta.url));
const pinPath = fileURLToPath(new URL("../../../../test/doors/sdk/surface.txt", import.meta.url));
const FROM = /(?:\bfrom|\bimport\()\s*"([^"]+)"/g;

/** The declarations that a user's compiler reads, entry first. */
function readDeclarations(): Map<string, string> {
  const found = new Map<string, string>();
  const follow = (path: string) => {
    if (found.has(relative(built, path))) return;
    const text = readFileSync(path, "utf8");
    found.set(relative(built, path), text);
    for (const [, name = ""] of text.matchAll(FROM)) {
      assert.ok(name.startsWith("."), `${path} needs the types of ${name}`);
      follow(resolve(dirname(path), name.replace(/\.js$/, ".d.ts")));
    }
  };
  follow(join(built, "index.d.ts"));
  return found;
}

test("the public types equal the pinned ones", () => {
  const surface = [...readDeclarations()]
    .map(([name, text]) => `// ${name}\n${text.replaceAll(/^\s*\/\*\*[^]*?\*\/\n|^export \{\};\n/gm, "")}`)
    .join("\n");
  if (process.env["PYRO_UPDATE_PINS"] === "1") writeFileSync(pinPath, surface);
  assert.equal(surface, existsSync(pinPath) ? readFileSync(pinPath, "utf8") : "");
});

test("the public types use no types of other packages and no internal types", () => {
  for (const name of readDeclarations().keys()) {
    assert.match(name, /^(index|contract\/errors|doors\/sdk\/[a-z-]+)\.d\.ts$/);
  }
});

test("every public name is documented", () => {
  for (const [path, text] of readDeclarations()) {
    if (path === "index.d.ts") continue;
    const bare = text.match(/(?<!\*\/\n)^export (?!\{|type \{).*$/gm) ?? [];
    assert.deepEqual(bare, [], `${path} exports without a sentence above`);
  }
});

test("importing the package and making a Pyro leaves no file, no output and nothing that keeps the process alive", () => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  try {
    const home = join(directory, "home");
    const script = `import { Pyro } from ${JSON.stringify(join(built, "index.js"))}; new Pyro();`;
    const env = { PATH: process.env["PATH"], HOME: directory, PYRO_HOME: home, XDG_RUNTIME_DIR: directory };
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      env,
      timeout: 60_000,
    });
    assert.deepEqual([status, stdout.toString(), stderr.toString()], [0, "", ""]);
    assert.deepEqual(readdirSync(directory), []);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

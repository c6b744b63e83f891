import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";

import { VmScratch } from "../vm/vm-scratch.js";
import { Packed } from "./packed.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** Programs built from C, which the package contains. */
const BINARIES = [
  "guest/build/pyro-agent",
  "gate/build/pyro-gate",
  "keeper/build/pyro-enclose",
  "keeper/build/pyro-join",
  "keeper/build/pyro-keeper",
  "keeper/build/pyro-pages",
  "keeper/build/pyro-checkpoint",
  "keeper/build/pyro-restore",
  "keeper/build/pyro-peer.node",
  "keeper/build/pyro-relay",
  "preload/build/pyro-ram.so",
  "e2b/build/pyro-e2b-guest",
];
/** Without declarations that no program reads. Services, registries and saved environments brought it above 1.0 MB, the gateway of E2B above 1.1 MB, contexts of Kubernetes above 1.25 MB, checkpoints of QEMU above 1.3 MB. */
const MAX_BYTES = 1_400_000;

let packed: Packed;
before(() => {
  packed = new Packed();
});
after(() => packed[Symbol.dispose]());

const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a checkout without built files packs all needed files and no others", () => {
  const files = packed.files();
  for (const file of [
    "package.json",
    "README.md",
    "LICENSE",
    "bin/pyro",
    "bin/package.json",
    "dist/src/start.cjs",
    "dist/src/index.js",
    "dist/src/index.d.ts",
    "dist/src/daemon/main.js",
    "dist/src/contract/rendered.json",
    "dist/src/contract/schemas.json",
    ...BINARIES,
    "guest/src/main.c",
    "guest/Makefile",
    "gate/src/main.c",
    "gate/Makefile",
    "keeper/src/enclose.c",
    "keeper/src/join.c",
    "keeper/src/keeper.c",
    "keeper/src/pages.c",
    "keeper/src/peer.c",
    "keeper/src/relay.c",
    "keeper/Makefile",
    "preload/src/template_ram.c",
    "preload/Makefile",
    "e2b/src/main.c",
    "e2b/Makefile",
    "e2b/interpreter/manager.py",
  ]) {
    assert.ok(files.includes(file), `${file} is missing`);
  }
  const known =
    /^(package\.json|README\.md|LICENSE|bin\/|dist\/src\/|guest\/(src\/|Makefile$|build\/pyro-agent$)|gate\/(src\/|Makefile$|build\/pyro-gate$)|keeper\/(src\/|Makefile$|build\/pyro-(?:keeper|join|enclose|pages|checkpoint|restore|peer\.node|relay)$)|preload\/(src\/|Makefile$|build\/pyro-ram\.so$)|e2b\/(src\/|interpreter\/|Makefile$|build\/pyro-e2b-guest$)|protocol\/)/;
  assert.deepEqual(
    files.filter((file) => !known.test(file) || /tsbuildinfo|\.test\./.test(file)),
    [],
  );
  assert.ok(statSync(packed.tarball).size < MAX_BYTES);
});

test("publint finds nothing", async () => {
  const tarball = readFileSync(packed.tarball);
  const { messages } = await publint({ pack: { tarball: tarball.buffer as ArrayBuffer }, strict: true });
  assert.deepEqual(messages, []);
});

test('"are the types wrong" finds nothing for programs that import ES modules', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(packed.tarball))));
  assert.ok(analysis.types);
  // One package, ESM: older ways to resolve and `require` before Node.js 20.19 are not supported.
  const problems = analysis.problems.filter(({ kind }) => kind !== "CJSResolvesToESM");
  assert.deepEqual(problems, []);
});

for (const binary of BINARIES) {
  test(`the bytes of ${binary} depend on its source alone: another directory builds the same ones`, () => {
    const built = sha256(join(packed.checkout, binary));
    assert.equal(built, sha256(join(root, binary)));
    const listing = spawnSync("strings", ["-a", join(packed.checkout, binary)], { encoding: "utf8" }).stdout;
    assert.ok(!listing.includes(packed.directory));
  });
}

const PROGRAM = `import { Pyro } from "pyro-mcp";
const pyro = new Pyro();
const { exitCode, stdout, executionMode } = await pyro.runInVm("debian:12", {
  command: ["sh", "-c", "uname -s; exit 3"],
  memMib: 256,
  timeoutSeconds: 60,
});
console.log(JSON.stringify({ exitCode, stdout, executionMode, node: process.versions.node.split(".")[0] }));
`;

/** The Node.js of this test, and the newest one that is supported, from the registry. */
for (const major of ["20", "24"]) {
  test(`installed into an empty directory, it runs a command in a VM on Node.js ${major}`, async () => {
    await using scratch = new VmScratch();
    const project = join(packed.directory, `project-${major}`);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{"private":true,"type":"module"}');
    writeFileSync(join(project, "program.js"), PROGRAM);
    const env = { ...process.env, ...scratch.env };
    const options = { cwd: project, env, encoding: "utf8" as const };
    const packages = [packed.tarball, `node@${major}`];
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...packages], options);
    const stdout = execFileSync("npx", ["node", "program.js"], options);
    assert.deepEqual(JSON.parse(stdout), { exitCode: 3, stdout: "Linux\n", executionMode: "guest", node: major });
  });
}

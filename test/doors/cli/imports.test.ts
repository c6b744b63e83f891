import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const pyroPath = fileURLToPath(new URL("../../../../bin/pyro", import.meta.url));
const root = fileURLToPath(new URL("../../../../src/", import.meta.url));
const IMPORT = /(?:^(?:import|export)(?! type\b)[^;"]*?\bfrom|^import|\bimport\()\s*"([^"]+)"/gm;

/** Loaded only when a source is sent: it walks, matches patterns and writes an archive. */
const PACKER = "client/pack/pack.ts";
/** Loaded only for a pull or an undo. */
const PULLER = "client/pull/task-pull.ts";
/** Loaded only for an export. */
const EXPORTER = "client/export/export.ts";

/** Loaded only for a watch, which packs. */
const WATCHER = ["client/watch/watch-task.ts", "client/watch/watch-events.ts"];

/** Loaded only to add, check or remove a context of Kubernetes. */
const KUBERNETES = ["client/kubernetes/pod-template.ts", "client/contexts/check-kubernetes.ts"];

/** Every module that the process of an entry can load, and every name that it imports from a package. Does not follow `stops`. */
function followImports(entry: string, ...stops: string[]): { files: string[]; names: string[] } {
  const files = new Set<string>();
  const names = new Set<string>();
  const follow = (file: string) => {
    if (files.has(file) || stops.includes(relative(root, file))) return;
    files.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      if (name.startsWith(".")) follow(resolve(dirname(file), name.replace(/\.js$/, ".ts")));
      else names.add(name);
    }
  };
  follow(resolve(root, entry));
  return { files: [...files].map((file) => relative(root, file)), names: [...names] };
}

test("the CLI's process loads nothing from node_modules except the library for patterns of sources", () => {
  const { files, names } = followImports("doors/cli/main.ts", PACKER, PULLER, EXPORTER, ...WATCHER, ...KUBERNETES);
  assert.ok(files.includes("client/client.ts"), "the graph was followed");
  assert.deepEqual(
    names.filter((name) => !name.startsWith("node:")),
    [],
  );
  assert.deepEqual(
    files.filter((file) => !/^(doors\/cli|bench|client|contract|host)\//.test(file)),
    [],
  );
});

test("the packer loads one package from node_modules", () => {
  const { files, names } = followImports(PACKER);
  assert.deepEqual(
    names.filter((name) => !name.startsWith("node:")),
    ["ignore"],
  );
  assert.deepEqual(
    files.filter((file) => !/^(client\/pack|archive|contract|host)\//.test(file)),
    [],
  );
});

test("a pull loads nothing from node_modules", () => {
  const { files, names } = followImports(PULLER, PACKER);
  assert.deepEqual(
    names.filter((name) => !name.startsWith("node:")),
    [],
  );
  assert.deepEqual(
    files.filter((file) => !/^(client|workspace|archive|contract|host)\//.test(file)),
    [],
  );
});

test("the SDK loads nothing from node_modules and no other door", () => {
  const { files, names } = followImports("index.ts", PACKER, PULLER, EXPORTER, ...WATCHER, "doors/mcp/server.ts");
  assert.ok(files.includes("doors/sdk/pyro.ts"), "the graph was followed");
  assert.deepEqual(
    names.filter((name) => !name.startsWith("node:")),
    [],
  );
  assert.deepEqual(
    files.filter((file) => !/^(index\.ts|(doors\/sdk|client|contract|host)\/.*)$/.test(file)),
    [],
  );
});

test("a command loads one file of pyro, and a module loaded later shares what is in it", (t) => {
  const scratch = mkdtempSync(join(tmpdir(), "pyro-imports-"));
  t.after(() => rmSync(scratch, { recursive: true }));
  const loadedBy = (...args: string[]) => {
    const coverage = mkdtempSync(join(scratch, "coverage-"));
    const env = { ...process.env, PYRO_HOME: "relative", NODE_V8_COVERAGE: coverage };
    const { status } = spawnSync(process.execPath, [pyroPath, ...args], { env });
    const text = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), "utf8"));
    const urls = [...text.join().matchAll(/"url":"([^"]*\/dist\/src\/[^"]*)"/g)].map(([, url = ""]) => url);
    return { status, files: urls.map((url) => url.replace(/.*\/dist\/src\//, "")) };
  };
  // HOME_UNUSABLE: the command needs a home from here on.
  assert.deepEqual(loadedBy("run", "debian:12", "--", "true"), { status: 125, files: ["start.cjs"] });
  const later = loadedBy("mcp", "config", "unknown");
  assert.ok(later.files.includes("doors/mcp/config/configure.js"), later.files.join());
  assert.equal(later.status, 2, "the error of configure.js is the one that start.cjs knows");
});

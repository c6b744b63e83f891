import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../src/", import.meta.url));
const IMPORT = /(?:^(?:im|ex)port\b.*\bfrom|^import|\bimport\()\s*"([^"]+)"/gm;

/** Loaded only when a source is sent: it walks, matches patterns and writes an archive. */
const PACKER = "client/pack/pack.js";
/** Loaded only for a pull or an undo. */
const PULLER = "client/pull/task-pull.js";
/** Loaded only for an export. */
const EXPORTER = "client/export/export.js";

/** Loaded only for a watch, which packs. */
const WATCHER = ["client/watch/watch-task.js", "client/watch/watch-events.js"];

/** Loaded only to add, check or remove a context of Kubernetes. */
const KUBERNETES = ["client/kubernetes/pod-template.js", "client/contexts/check-kubernetes.js"];

/** Every module that the process of an entry can load, and every name that it imports from a package. Does not follow `stops`. */
function followImports(entry: string, ...stops: string[]): { files: string[]; names: string[] } {
  const files = new Set<string>();
  const names = new Set<string>();
  const follow = (file: string) => {
    if (files.has(file) || stops.includes(relative(root, file))) return;
    files.add(file);
    for (const [, name = ""] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      if (name.startsWith(".")) follow(resolve(dirname(file), name));
      else names.add(name);
    }
  };
  follow(resolve(root, entry));
  return { files: [...files].map((file) => relative(root, file)), names: [...names] };
}

test("the CLI's process loads nothing from node_modules except the library for patterns of sources", () => {
  const { files, names } = followImports("doors/cli/main.js", PACKER, PULLER, EXPORTER, ...WATCHER, ...KUBERNETES);
  assert.ok(files.includes("client/client.js"), "the graph was followed");
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
  const { files, names } = followImports("index.js", PACKER, PULLER, EXPORTER, ...WATCHER, "doors/mcp/server.js");
  assert.ok(files.includes("doors/sdk/pyro.js"), "the graph was followed");
  assert.deepEqual(
    names.filter((name) => !name.startsWith("node:")),
    [],
  );
  assert.deepEqual(
    files.filter((file) => !/^(index\.js|(doors\/sdk|client|contract|host)\/.*)$/.test(file)),
    [],
  );
});

test("the first module loads only the error handling of the streams before it reads the arguments", () => {
  const statics = [...readFileSync(resolve(root, "doors/cli/main.js"), "utf8").matchAll(/^import .* from "([^"]+)"/gm)];
  assert.deepEqual(
    statics.map(([, name]) => name),
    ["./streams.js"],
  );
});

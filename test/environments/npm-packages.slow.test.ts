import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";

import type { ErrorCode } from "../../src/contract/errors.js";
import { catalog } from "../../src/environments/catalog.js";
import { assertAbleToFetch, fetchNpmPackages } from "../../src/environments/debian/npm-packages.js";
import type { DebianRecipe } from "../../src/environments/source.js";

const NAME = "pyro-test-package";
/** The content of a registry: any bytes, since only their digest counts here. */
const file = gzipSync(Buffer.alloc(4096));
const integrity = `sha512-${createHash("sha512").update(file).digest("base64")}`;

let directory: string;
let scratch: string;
const asked: string[] = [];
const kept = { ...process.env };

const registry = createServer((request, response) => {
  asked.push(request.url ?? "");
  if (request.url?.endsWith(".tgz")) return response.end(file);
  if (request.url !== `/${NAME}`) return response.writeHead(404).end("{}");
  const tarball = `${process.env["PYRO_NPM_REGISTRY"]}/${NAME}/-/${NAME}-1.2.3.tgz`;
  const versions = { "1.2.3": { name: NAME, version: "1.2.3", dist: { tarball, integrity } } };
  response.end(JSON.stringify({ name: NAME, "dist-tags": { latest: "1.2.3" }, versions }));
});

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "pt-npm-"));
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  process.env["PYRO_NPM_REGISTRY"] = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  process.env["npm_config_cache"] = join(directory, "cache");
  process.env["npm_config_fetch_retries"] = "0";
});
beforeEach(() => {
  scratch = mkdtempSync(join(directory, "scratch-"));
  asked.length = 0;
});
after(() => {
  process.env = kept;
  registry.close();
  rmSync(directory, { recursive: true });
});

const recipe = (more: Partial<DebianRecipe["npmPackages"][number]> = {}): DebianRecipe => ({
  ...catalog[0]!,
  npmPackages: [{ name: NAME, version: "1.2.3", integrity, ...more }],
});
const fetchAll = (wanted: DebianRecipe) => fetchNpmPackages(wanted, scratch, new AbortController().signal);
const failsWith = (code: ErrorCode, reason: string) => (error: { code: string; details: Record<string, unknown> }) =>
  error.code === code && error.details["reason"] === reason;

test("a package is fetched from the registry of PYRO_NPM_REGISTRY, and the second time from npm's cache", async () => {
  await fetchAll(recipe());
  assert.deepEqual(readFileSync(join(scratch, "downloads", `${NAME}.tgz`)), file);
  assert.deepEqual(asked, [`/${NAME}`, `/${NAME}/-/${NAME}-1.2.3.tgz`]);
  asked.length = 0;
  mkdirSync((scratch = join(directory, "second")));
  await fetchAll(recipe());
  assert.deepEqual(asked, []);
});

test("a package with another digest than the recipe's is refused, even if the registry confirms it", async () => {
  const other = `sha512-${createHash("sha512").update("other").digest("base64")}`;
  await assert.rejects(fetchAll(recipe({ integrity: other })), failsWith("ENVIRONMENT_BUILD_FAILED", "integrity"));
});

test("a package that the registry lacks fails the build, with what npm printed", async () => {
  await assert.rejects(
    fetchAll(recipe({ name: "pyro-test-missing" })),
    failsWith("ENVIRONMENT_BUILD_FAILED", "registry_unreachable"),
  );
});

test("a recipe without npm packages needs no npm and makes nothing", async () => {
  await fetchAll(catalog[0]!);
  assert.equal(existsSync(join(scratch, "downloads")), false);
  await assertAbleToFetch(catalog[0]!);
});

test("every npm package of the catalog is pinned by version and SHA-512", () => {
  const packages = catalog.flatMap(({ npmPackages }) => npmPackages);
  assert.ok(packages.length >= 4);
  for (const { version, integrity: digest } of packages) {
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.equal(Buffer.from(digest.replace(/^sha512-/, ""), "base64").length, 64);
  }
});

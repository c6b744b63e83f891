import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";

export const NPM_PACKAGES = 20;
export const DEBIAN_PACKAGES = 20;
const FILES_PER_PACKAGE = 10;

interface StandIn {
  readonly port: number;
  close(): void;
}

/** A registry of npm packages and a mirror of Debian packages on loopback, with packages that depend on each other. */
export async function openStandIn(directory: string): Promise<StandIn> {
  const npm = indices(NPM_PACKAGES).map((index) => makeNpmPackage(directory, index));
  const apt = indices(DEBIAN_PACKAGES).map((index) => makeDebianPackage(directory, index));
  writeFileSync(join(directory, "Packages"), apt.join("\n"));
  writeFileSync(join(directory, "package.json"), JSON.stringify(project));
  writeFileSync(join(directory, "package-lock.json"), JSON.stringify(buildLock(npm.map(({ integrity }) => integrity))));
  const server = createServer((request, response) => answer(directory, npm, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  };
  return { port: (server.address() as AddressInfo).port, close };
}

interface NpmPackage {
  readonly name: string;
  readonly integrity: string;
}

const project = {
  name: "fixed-tree",
  version: "1.0.0",
  dependencies: Object.fromEntries(indices(NPM_PACKAGES).map((index) => [npmName(index), "1.0.0"])),
};

function npmName(index: number): string {
  return `stand-in-${index}`;
}

/** Every package but the first needs the one before it. */
function npmDependencies(index: number): Record<string, string> {
  return index === 0 ? {} : { [npmName(index - 1)]: "1.0.0" };
}

function buildLock(integrities: readonly string[]) {
  const packages = integrities.map((integrity, index) => [
    `node_modules/${npmName(index)}`,
    { version: "1.0.0", integrity, dependencies: npmDependencies(index) },
  ]);
  const { name, version } = project;
  return {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: { "": project, ...Object.fromEntries(packages) },
  };
}

function makeNpmPackage(directory: string, index: number): NpmPackage {
  const name = npmName(index);
  const root = join(directory, "npm", name);
  writeSources(join(root, "package/lib"), index);
  const manifest = { name, version: "1.0.0", dependencies: npmDependencies(index) };
  writeFileSync(join(root, "package/package.json"), JSON.stringify(manifest));
  const path = join(directory, `${name}.tgz`);
  run("tar", ["czf", path, "-C", root, "package"]);
  return { name, integrity: `sha512-${createHash("sha512").update(readFileSync(path)).digest("base64")}` };
}

/** Returns the package's entry in the mirror's index. */
function makeDebianPackage(directory: string, index: number): string {
  const name = `stand-in-${index}`;
  const root = join(directory, "apt", name);
  writeSources(join(root, "usr/share", name), index);
  const fields = [`Package: ${name}`, "Version: 1.0", "Architecture: all", "Maintainer: bench <bench@localhost>"];
  if (index > 0) fields.push(`Depends: stand-in-${index - 1}`);
  const control = `${[...fields, "Description: a package of the benchmark"].join("\n")}\n`;
  mkdirSync(join(root, "DEBIAN"));
  writeFileSync(join(root, "DEBIAN/control"), control);
  const path = join(directory, `${name}.deb`);
  run("dpkg-deb", ["--build", "--root-owner-group", root, path]);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return `${control}Filename: ./${name}.deb\nSize: ${statSync(path).size}\nSHA256: ${sha256}\n`;
}

function writeSources(folder: string, seed: number): void {
  mkdirSync(folder, { recursive: true });
  for (const index of indices(FILES_PER_PACKAGE)) {
    const line = `export const value${index} = ${seed * FILES_PER_PACKAGE + index};\n`;
    writeFileSync(join(folder, `file-${index}.js`), line.repeat(10 * (index + 1)));
  }
}

/** The content of files; for the name of an npm package a registry's answer. */
function answer(
  directory: string,
  packages: readonly NpmPackage[],
  { url = "/", headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const name = url.slice(1).replace(/^\.\//, "");
  const known = packages.find((each) => each.name === name);
  if (known) return void response.end(JSON.stringify(describe(known, `http://${headers.host}`)));
  const path = join(directory, name);
  try {
    if (dirname(path) !== directory) throw new Error("not beside the index");
    response.end(readFileSync(path));
  } catch {
    response.writeHead(404).end();
  }
}

function describe({ name, integrity }: NpmPackage, origin: string) {
  const dependencies = npmDependencies(Number(name.slice(name.lastIndexOf("-") + 1)));
  const version = { name, version: "1.0.0", dependencies, dist: { integrity, tarball: `${origin}/${name}.tgz` } };
  return { name, "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": version } };
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
}

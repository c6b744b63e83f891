// Prints the parts of pyro as a CycloneDX document: the npm packages of the lock file, the programs and the library built from C with their
// digests, and the Debian packages that scripts/setup.sh installs with the versions that this host has; with `--dpkg-status FILE` instead
// the packages that are installed in an image.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const read = (path) => readFileSync(join(root, path), "utf8");
const manifest = JSON.parse(read("package.json"));

// With `--omit dev`, npm also leaves out packages that a package of development needs as well.
const npm = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
const document = JSON.parse(execFileSync("npm", npm, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }));
document.metadata.component.name = manifest.name;
const installed = new Set(
  Object.entries(JSON.parse(read("package-lock.json")).packages)
    .filter(([path, { dev, devOptional }]) => path !== "" && !dev && !devOptional)
    .map(([path, { version }]) => `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`),
);
document.components = document.components.filter(({ name, version }) => installed.has(`${name}@${version}`));
const references = new Set([document.metadata.component, ...document.components].map((each) => each["bom-ref"]));
document.dependencies = document.dependencies
  .filter(({ ref }) => references.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => references.has(other)) }));

const built = manifest.files.filter((path) => /\/build\/[^/]+$/.test(path));
const programs = built.map((path) => ({
  "bom-ref": path,
  type: path.endsWith("so") || path.endsWith(".node") ? "library" : "application",
  name: path.slice(path.lastIndexOf("/") + 1),
  version: manifest.version,
  licenses: [{ license: { id: manifest.license } }],
  hashes: [
    {
      alg: "SHA-256",
      content: createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest("hex"),
    },
  ],
  properties: [{ name: "source", value: `${path.slice(0, path.indexOf("/"))}/src` }],
}));

const [option, statusFile] = process.argv.slice(2);
const versions = option === "--dpkg-status" ? readInstalled(readFileSync(statusFile, "utf8")) : readNeeded();
const packages = versions.map(([name, version]) => ({
  "bom-ref": `deb:${name}`,
  type: "application",
  name,
  ...(version === null ? {} : { version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}` }),
}));

document.components.push(...programs, ...packages);
// npm sets the moment and a random number, which would make each document another one.
document.metadata.timestamp = new Date(readEpoch() * 1000).toISOString();
document.serialNumber = `urn:uuid:${uuidOf({ ...document, serialNumber: "" })}`;
process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);

/** Seconds since 1970: SOURCE_DATE_EPOCH, or the time of the last commit. */
function readEpoch() {
  return Number(process.env["SOURCE_DATE_EPOCH"] ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root }));
}

/** A UUID of version 8, whose content is a digest of the value. */
function uuidOf(value) {
  const bytes = createHash("sha256").update(JSON.stringify(value)).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x80;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Names and versions of what dpkg has installed. */
function readInstalled(status) {
  const field = (stanza, name) => new RegExp(`^${name}: (.+)$`, "m").exec(stanza)?.[1] ?? "";
  return status
    .split("\n\n")
    .filter((stanza) => field(stanza, "Status") === "install ok installed")
    .map((stanza) => [field(stanza, "Package"), field(stanza, "Version")]);
}

/** Names of the packages of scripts/setup.sh, and the versions that this host has. */
function readNeeded() {
  const names = /^packages="([^"]+)"$/m.exec(read("scripts/setup.sh"))[1].split(" ");
  return names.map((name) => [name, readVersion(name)]);
}

/** The version of an installed Debian package; null when it is not installed, as with a private toolchain. */
function readVersion(name) {
  try {
    const format = "${db:Status-Status} ${Version}";
    const [status, version] = execFileSync("dpkg-query", ["-W", "-f", format, name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).split(" ");
    return status === "installed" ? version : null;
  } catch {
    return null;
  }
}

// The layers of pyro's image: Debian's packages, pyro itself, and an environment.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { tarDirectory } from "./oci.mjs";

const root = join(import.meta.dirname, "..", "..");
export const USER = 10001;
const HOME = "/var/lib/pyro";
const BASE = "usr/share/pyro/base";
const PACKAGE = "usr/lib/node_modules/pyro-mcp";

/** Node.js, QEMU and the tools that a VM is made with; what fetches an image from a registry. From Debian 13, whose Node.js is new enough. */
export const SUITE = "trixie";
const packages = [
  "nodejs",
  "qemu-system-x86",
  "qemu-utils",
  "e2fsprogs",
  "util-linux",
  "tini",
  "ca-certificates",
  "xz-utils",
];
/** Documentation, and QEMU's programs and firmware for machines that pyro does not make. */
const left = [
  ...["doc", "man", "locale", "info"].map((name) => `/usr/share/${name}/*`),
  ...["qemu-system-i386", "qemu-system-x86_64-microvm", "qemu-storage-daemon", "qemu-nbd", "qemu-io"].map(
    (name) => `/usr/bin/${name}`,
  ),
  ...["skiboot.lid", "openbios-*", "hppa-*", "s390-*", "u-boot*", "opensbi-*", "slof.bin", "*.dtb"].map(
    (name) => `/usr/share/qemu/${name}`,
  ),
];
const kept = ["/usr/share/doc/*/copyright"];

export const environment = [
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  `HOME=${HOME}`,
  `PYRO_HOME=${HOME}/home`,
  `XDG_RUNTIME_DIR=${HOME}/run`,
  `PYRO_BASE=/${BASE}`,
  "PYRO_JAIL=container",
];

export function buildDebianLayer(work, epoch) {
  const tar = join(work, "debian.tar");
  const hooks = [
    `printf 'pyro:x:${USER}:${USER}::${HOME}:/usr/sbin/nologin\\n' >>"$1/etc/passwd"`,
    `printf 'pyro:x:${USER}:\\n' >>"$1/etc/group"`,
    `mkdir -p "$1${HOME}" && chown ${USER}:${USER} "$1${HOME}" && chmod 0700 "$1${HOME}"`,
    // QEMU of each VM sees its own files below it: docs/decisions/0065.
    `ln -s /proc/self/cwd "$1/pyro"`,
    `rm -rf "$1/var/cache/ldconfig/aux-cache" "$1/var/cache/debconf" "$1/var/log/apt" "$1"/var/log/*.log "$1"/var/lib/dpkg/*-old "$1"/etc/*-`,
    // No program of a pod becomes another user.
    `find "$1" -xdev -type f -perm /6000 -exec chmod ug-s {} +`,
  ];
  const mirrors = (process.env["PYRO_DEBIAN_MIRROR"] ?? "").split("\n").filter((line) => line.trim() !== "");
  const options = [
    "--quiet",
    "--variant=essential",
    `--include=${packages.join(",")}`,
    ...left.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...kept.map((path) => `--dpkgopt=path-include=${path}`),
    ...hooks.map((hook) => `--customize-hook=${hook}`),
  ];
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  execFileSync("mmdebstrap", [...options, SUITE, tar, ...mirrors], { env, stdio: ["ignore", "inherit", "inherit"] });
  return tar;
}

/** The content of /var/lib/dpkg/status in a tar file. */
export function readPackageStatus(tar) {
  return execFileSync("tar", ["-xOf", tar, "./var/lib/dpkg/status"], { encoding: "utf8", maxBuffer: 1 << 26 });
}

/** The npm package of this checkout, which must be built, with the packages that it needs, and its programs in the search path. */
export function buildPyroLayer(work, epoch, sbom) {
  const layer = fresh(work, "pyro");
  const place = join(layer, PACKAGE);
  mkdirSync(place, { recursive: true });
  const packed = mkdtempSync(join(work, "pack-"));
  const names = execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", packed], {
    cwd: root,
    encoding: "utf8",
  });
  const tarball = join(packed, names.trim().split("\n").at(-1));
  execFileSync("tar", ["-xzf", tarball, "-C", place, "--strip-components=1", "--no-same-owner"]);
  rmSync(packed, { recursive: true });
  const { packages: locked } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  for (const [path, { dev, devOptional, optional }] of Object.entries(locked)) {
    if (path === "" || dev || devOptional || (optional && !existsSync(join(root, path)))) continue;
    // A package within another one has its own line.
    cpSync(join(root, path), join(place, path), {
      recursive: true,
      filter: (from) => !from.slice(join(root, path).length).includes("/node_modules"),
    });
  }
  mkdirSync(join(layer, "usr/bin"));
  symlinkSync(`../lib/node_modules/pyro-mcp/bin/pyro`, join(layer, "usr/bin/pyro"));
  if (existsSync(join(place, "keeper/build/pyro-relay")))
    symlinkSync(`../lib/node_modules/pyro-mcp/keeper/build/pyro-relay`, join(layer, "usr/bin/pyro-relay"));
  cpSync(join(import.meta.dirname, "pyro-pod"), join(layer, "usr/bin/pyro-pod"));
  mkdirSync(join(layer, "usr/share/pyro"), { recursive: true });
  writeFileSync(join(layer, "usr/share/pyro/sbom.cdx.json"), sbom);
  openToAll(layer);
  const tar = join(work, "pyro.tar");
  tarDirectory(layer, tar, epoch);
  return tar;
}

/** An installed environment of a home, as the base of the daemon's. */
export function buildEnvironmentLayer(work, epoch, home, name) {
  const layer = fresh(work, "environment");
  const to = join(layer, BASE, "environments");
  const record = join("names", `${name.replaceAll(":", "_")}.json`);
  const from = join(home, "environments");
  const installation = JSON.parse(readFileSync(join(from, record), "utf8"));
  mkdirSync(join(to, "names"), { recursive: true });
  mkdirSync(join(to, "content"), { recursive: true });
  // Without the times, which the daemon notes again.
  const pulled_at = new Date(epoch * 1000).toISOString();
  writeFileSync(join(to, record), `${JSON.stringify({ ...installation, pulled_at, files: [] }, null, 2)}\n`);
  cpSync(join(from, "content", installation.digest), join(to, "content", installation.digest), { recursive: true });
  openToAll(layer);
  const tar = join(work, "environment.tar");
  tarDirectory(layer, tar, epoch);
  return { tar, digest: installation.digest };
}

/** Boots the environment once, in the image, so that each VM of a pod wakes as a clone. What a boot leaves in memory is never the same twice. */
export function buildTemplateLayer(work, epoch, tars, name, memMib) {
  const image = fresh(work, "root");
  for (const tar of tars) execFileSync("tar", ["-xf", tar, "-C", image]);
  const state = fresh(work, "state");
  chmodSync(state, 0o777);
  const jail = [
    ...["--unshare-user", "--uid", String(USER), "--gid", String(USER)],
    ...["--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--clearenv"],
    ...["--ro-bind", image, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", state, HOME],
    ...[...environment, "PYRO_ACCEL=tcg"].flatMap((each) => ["--setenv", ...splitOnce(each)]),
  ];
  const script = `set -e; mkdir -p -m 0700 "$XDG_RUNTIME_DIR"; pyro run ${name} --mem-mib ${memMib} -- true; pyro daemon stop >/dev/null`;
  execFileSync("bwrap", [...jail, "sh", "-c", script], { stdio: ["ignore", "inherit", "inherit"] });
  const layer = fresh(work, "template");
  const templates = join(state, "home", "templates");
  for (const key of readdirSync(templates)) {
    const to = join(layer, BASE, "templates", key);
    cpSync(join(templates, key), to, { recursive: true, filter: (path) => !path.endsWith("/scratch") });
    execFileSync("qemu-img", [
      "convert",
      "-f",
      "raw",
      "-O",
      "qcow2",
      join(templates, key, "scratch"),
      join(to, "scratch.qcow2"),
    ]);
  }
  openToAll(layer);
  const tar = join(work, "template.tar");
  tarDirectory(layer, tar, epoch);
  for (const path of [image, state]) rmSync(path, { recursive: true });
  return tar;
}

function splitOnce(setting) {
  const at = setting.indexOf("=");
  return [setting.slice(0, at), setting.slice(at + 1)];
}

function fresh(work, name) {
  const path = join(work, name);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

/** Readable by every user and writable by none; what was executable stays so. */
function openToAll(directory) {
  execFileSync("chmod", ["-R", "u=rwX,go=rX", directory]);
}

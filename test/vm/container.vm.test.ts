import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { isRoot } from "../../src/host/platform.js";
import { endOf } from "../client/scratch.js";
import { nobodyOwner } from "./as-nobody.js";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const SHARED_HOME = join(checkout, ".test-home");
const asNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all"];

/** The refusals of a container runtime's default filter that matter here: unshare, mount, process_vm_readv, and clone3. */
function buildFilter(): Buffer {
  const load = "2000000000000000";
  const refuse = (call: number) => `15000001${hex(call)}0600000001000500`;
  const hex = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString("hex");
  const noClone3 = `15000001${hex(435)}0600000026000500`;
  return Buffer.from([load, ...[272, 165, 310].map(refuse), noClone3, "060000000000ff7f"].join(""), "hex");
}
const FILTER_FD = 3;

/** A place like a container of a pod: an ordinary user without privileges, a read-only root with the link, and two places to write. */
function buildContainer(state: string, base: string): string[] {
  const isDirectory = (path: string) => existsSync(path);
  const links = ["lib", "lib64", "bin", "sbin"].filter((name) => isDirectory(`/${name}`));
  return [
    "bwrap",
    ...(isRoot() ? ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] : ["--unshare-user"]),
    ...["--unshare-pid", "--unshare-net", "--unshare-ipc", "--die-with-parent", "--clearenv"],
    ...["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev"],
    ...links.flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
    ...[
      "--perms",
      "1777",
      "--tmpfs",
      "/tmp",
      "--ro-bind",
      checkout,
      "/app",
      "--ro-bind",
      base,
      "/base",
      "--bind",
      state,
      "/state",
    ],
    ...["--seccomp", String(FILTER_FD), "--symlink", "/proc/self/cwd", "/pyro", "--remount-ro", "/", "--chdir", "/"],
    ...Object.entries({
      PATH: "/usr/bin:/bin",
      PYRO_HOME: "/state/home",
      XDG_RUNTIME_DIR: "/state/run",
      PYRO_BASE: "/base",
      PYRO_JAIL: "container",
      PYRO_ACCEL: "tcg",
    }).flatMap(([name, value]) => ["--setenv", name, value]),
    "--",
    ...(isRoot() ? asNobody : ["setpriv"]),
    ...["--no-new-privs", "/usr/bin/env", "node", "/app/dist/test/vm/container-process.js"],
  ];
}

async function useContainer(directory: string, name: string, base: string, how: string) {
  const state = join(directory, name);
  mkdirSync(join(state, "run"), { recursive: true, mode: 0o700 });
  if (isRoot()) execFileSync("chown", ["-R", nobodyOwner, state]);
  const [program = "", ...words] = buildContainer(state, base);
  const child = spawn(program, [...words, how], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  (child.stdio[FILTER_FD] as NodeJS.WritableStream).end(buildFilter());
  const { status, stdout, stderr } = await endOf(child);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test("in a container that may make no namespaces, VMs run, fork, stop and outlive the daemon; a base saves the boot", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  chmodSync(directory, 0o755);
  try {
    const environments = join(directory, "environments-only");
    mkdirSync(environments);
    cpSync(join(SHARED_HOME, "environments"), join(environments, "environments"), { recursive: true });
    execFileSync("chmod", ["-R", "a+rX", environments]);
    const everything = await useContainer(directory, "first", environments, "everything");
    assert.deepEqual(everything, {
      run: [3, "ran\n"],
      jail: [true, "container", "vm", true],
      problems: [],
      network: ["HOST_NOT_ABLE", true],
      qemu: ["1", "2"],
      fork: "kept\nalive\n",
      started: "kept\n",
      adopted: "kept\n",
      left: [],
      booted: true,
      shared: [false],
      temporary: [],
    });
    const base = join(directory, "base");
    cpSync(environments, base, { recursive: true });
    const templates = join(directory, "first", "home", "templates");
    for (const key of readdirSync(templates)) {
      const to = join(base, "templates", key);
      cpSync(join(templates, key), to, { recursive: true, filter: (path) => !path.endsWith("/scratch") });
      const disk = [join(templates, key, "scratch"), join(to, "scratch.qcow2")];
      execFileSync("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", ...disk]);
    }
    execFileSync("chmod", ["-R", "a+rX", base]);
    const again = await useContainer(directory, "second", base, "run");
    assert.deepEqual(again, { run: [3, "ran\n"], left: [], booted: false, shared: [true], temporary: [] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import type { ResultOf } from "../../src/contract/operations.js";
import { endOf } from "../client/scratch.js";
import { buildPyroAsNobody, nobodyOwner } from "../vm/as-nobody.js";
import { World } from "./world.js";

const PORT = 7805;
const SHARED_ENVIRONMENTS = fileURLToPath(new URL("../../../.test-home/environments", import.meta.url));

let world: World;
let directory: string;
before(() => {
  world = new World();
  directory = mkdtempSync(join(tmpdir(), "pt-"));
  mkdirSync(join(directory, "checkout"));
  cpSync(SHARED_ENVIRONMENTS, join(directory, "home", "environments"), { recursive: true });
  assert.equal(spawnSync("chown", ["-R", nobodyOwner, directory]).status, 0);
  spawnSync("chmod", ["700", directory, join(directory, "home")]);
});
after(async () => {
  rmSync(directory, { recursive: true });
  await world[Symbol.asyncDispose]();
});

/** Runs pyro as nobody, on a host whose /dev/net/tun has this mode. */
function pyro(mode: string, ...args: string[]) {
  const env = { PATH: process.env["PATH"], PYRO_HOME: join(directory, "home"), XDG_RUNTIME_DIR: directory };
  const device = join(directory, `tun-${mode}`);
  const prepare = `{ [ -e ${device} ] || mknod -m ${mode} ${device} c 10 200; } && mount --bind ${device} /dev/net/tun`;
  const [program = "", ...words] = buildPyroAsNobody(join(directory, "checkout"), prepare);
  return endOf(spawn(program, [...words, ...args], { env, cwd: "/" }));
}

test("an ordinary user who may not open /dev/net/tun gets an error with the command that allows it", async () => {
  try {
    const doctor = JSON.parse((await pyro("0600", "doctor", "--json")).stdout) as ResultOf<"doctor">;
    assert.deepEqual([doctor.capabilities.vm_boot, doctor.capabilities.guest_network], [true, false]);
    assert.ok(doctor.problems.some(({ command }) => command.includes("/dev/net/tun")));
    const { status, stdout } = await pyro("0600", "run", "--network", "--json", "debian:12", "--", "true");
    const { error } = JSON.parse(stdout) as { error: { code: string; hint: string } };
    assert.deepEqual([status, error.code], [125, "HOST_NOT_ABLE"]);
    assert.match(error.hint, /\/dev\/net\/tun/);
  } finally {
    assert.equal((await pyro("0600", "daemon", "stop")).status, 0);
  }
});

test("an ordinary user runs VMs with a network", async () => {
  const [far, near] = [await world.peer("far", PORT), await world.hostPeer("near", PORT)];
  try {
    const doctor = JSON.parse((await pyro("0666", "doctor", "--json")).stdout) as ResultOf<"doctor">;
    assert.equal(doctor.capabilities.guest_network, true, JSON.stringify(doctor.problems));
    const connect = (address: string) =>
      `bash -c 'exec 3<>/dev/tcp/${address}/${PORT} && printf hello >&3 && cat <&3 && echo'`;
    const line = `${connect(world.open4)}; ! ${connect(world.host4)} 2>/dev/null && ip -br link | wc -l`;
    const ran = await pyro("0666", "run", "--network", "debian:12", "--", "sh", "-c", line);
    assert.deepEqual([ran.status, ran.stdout], [0, "far got hello\n2\n"], ran.stderr);
    assert.deepEqual([far.take(), near.take()], [[`tcp ${world.host4}`], []]);
  } finally {
    assert.equal((await pyro("0666", "daemon", "stop")).status, 0);
  }
});

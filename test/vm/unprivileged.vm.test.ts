import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { endOf, pyroPath } from "../client/scratch.js";
import { buildPyroAsNobody, nobodyOwner } from "./as-nobody.js";

const SHARED_ENVIRONMENTS = fileURLToPath(new URL("../../../.test-home/environments", import.meta.url));

test("an ordinary user runs VMs and tasks", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pt-"));
  const [home, checkout] = [join(directory, "home"), join(directory, "checkout")];
  mkdirSync(checkout);
  cpSync(SHARED_ENVIRONMENTS, join(home, "environments"), { recursive: true });
  spawnSync("chmod", ["700", directory, home]);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) assert.equal(spawnSync("chown", ["-R", nobodyOwner, directory]).status, 0);
  const [program = "", ...words] = isRoot ? buildPyroAsNobody(checkout) : [process.execPath, pyroPath];
  const env = { PATH: process.env["PATH"], PYRO_HOME: home, XDG_RUNTIME_DIR: directory, HOME: directory };
  const pyro = (...args: string[]) => endOf(spawn(program, [...words, ...args], { env, cwd: "/" }));
  try {
    const ran = await pyro("run", "debian:12", "--", "id", "-u");
    assert.deepEqual([ran.status, ran.stdout], [0, "0\n"], ran.stderr);
    const described = await pyro("run", "debian:12", "--json", "--", "true");
    assert.equal((JSON.parse(described.stdout) as { execution_mode: string }).execution_mode, "guest");
    const created = await pyro("task", "create", "debian:12", "--json");
    const { task_id } = JSON.parse(created.stdout) as { task_id: string };
    assert.equal((await pyro("task", "exec", task_id, "--", "pwd")).stdout, "/workspace\n");
    assert.equal((await pyro("task", "delete", task_id)).status, 0);
  } finally {
    assert.equal((await pyro("daemon", "stop")).status, 0);
    rmSync(directory, { recursive: true });
  }
});

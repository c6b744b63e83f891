import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { TwoVersions, type Version } from "../../client/pull/two-versions.js";
import { SwitchBegun } from "../../client/pull/switch-begun.js";
import { endOf, pyroPath } from "../../client/scratch.js";
import { random } from "../../seed.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A night's run sets PYRO_FAULT_ROUNDS=20. */
const ROUNDS = Number(process.env["PYRO_FAULT_ROUNDS"] ?? 2);
const tree = new TwoVersions(600);
/** About as long as a switch takes. */
const SWITCH_MS = 30;
const ROLLED_BACK = /interrupted.*taken back/;

const places = [
  { title: "on the file system of PYRO_HOME", parent: () => tmpdir() },
  { title: "on another file system", parent: () => "/dev/shm" },
];
for (const { title, parent } of places) {
  test(`a client that is killed during a pull into a directory ${title} leaves the old tree or the new one`, async (t) => {
    await using machines = new AgentMachines();
    const { daemon, cli } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    const host = mkdtempSync(join(parent(), "pyro-killed-"));
    t.after(() => rmSync(host, { recursive: true, force: true }));
    if (parent() !== tmpdir()) assert.notEqual(statSync(host).dev, statSync(daemon.directory).dev);
    tree.write(host, 0);
    const created = await cli("task", "create", "debian:12", "--name", "t", "--source-path", host);
    assert.equal(created.status, 0, created.stderr);
    const pulls = join(daemon.env.PYRO_HOME, "pulls");
    const args = ["task", "sync", "pull", "t", "--delete"];
    let current: Version = 0;
    const counts = { old: 0, new: 0, rolledBack: 0, endedBefore: 0 };
    // A kill can miss a switch of a few milliseconds, or the pull has ended before it.
    const isDone = (round: number) => round >= ROUNDS && (counts.rolledBack > 0 || round >= 4 * ROUNDS);
    for (let round = 0; !isDone(round); round += 1) {
      const next: Version = current === 0 ? 1 : 0;
      tree.write(machines.workspaces[0] ?? "", next);
      using begun = new SwitchBegun(host);
      const child = spawn(process.execPath, [pyroPath, ...args], {
        env: daemon.env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = endOf(child);
      await Promise.race([ended, round % 4 === 3 ? sleep(random() * 2_000) : begun.seen]);
      if (round % 4 !== 3) await sleep(random() * SWITCH_MS);
      counts.endedBefore += child.kill("SIGKILL") ? 0 : 1;
      await ended;
      const after = await cli(...(round % 2 === 0 ? [...args, "--dry-run"] : ["task", "sync", "undo", "t"]));
      const isRolledBack = ROLLED_BACK.test(after.stderr);
      const found = tree.find(host);
      assert.ok(!isRolledBack || found === current, after.stderr);
      if (round % 2 === 1 && !isRolledBack && after.status === 0) assert.equal(found, current);
      counts[found === current ? "old" : "new"] += 1;
      counts.rolledBack += isRolledBack ? 1 : 0;
      for (const key of readdirSync(pulls)) assert.ok(!existsSync(join(pulls, key, "current")));
      const again = await cli(...args);
      assert.equal(again.status, 0, again.stderr);
      assert.equal(tree.find(host), next);
      current = next;
    }
    t.diagnostic(JSON.stringify(counts));
  });
}

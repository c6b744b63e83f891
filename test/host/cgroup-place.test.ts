import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { makeCgroupPlace, type CgroupView } from "../../src/host/cgroup-place.js";

const ALL = "cpuset cpu io memory pids\n";

/** A directory with the files of a tree of control groups; each group with its controllers and processes. */
function makeTree(t: TestContext, groups: Record<string, { controllers?: string; processes?: number[] }>): string {
  const root = mkdtempSync(join(tmpdir(), "cg-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, { controllers = ALL, processes = [] }] of Object.entries(groups)) {
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, "cgroup.controllers"), controllers);
    writeFileSync(join(root, path, "cgroup.procs"), processes.map((pid) => `${pid}\n`).join(""));
    writeFileSync(join(root, path, "cgroup.subtree_control"), "");
  }
  return root;
}

const view = (mountPoint: string | null, ownPath: string, isRoot: boolean): CgroupView => ({
  ...{ mountPoint, ownPath, isRoot },
  movable: [],
});
const enabledIn = (path: string) => readFileSync(join(path, "cgroup.subtree_control"), "utf8");

test("root has the VMs' groups at the top of the tree, wherever its own process is", (t) => {
  const root = makeTree(t, { "/": {}, "/user.slice/session-1.scope": { processes: [7] } });
  const place = makeCgroupPlace(view(root, "/user.slice/session-1.scope", true), "pyro-1");
  assert.deepEqual(place, { path: join(root, "pyro-1"), controllers: ["memory", "pids", "cpu"] });
  assert.deepEqual([enabledIn(root), enabledIn(join(root, "pyro-1"))], Array(2).fill("+memory +pids +cpu"));
});

test("root has the VMs' groups in the daemon's own group when the top of the tree lacks the controllers", (t) => {
  const root = makeTree(t, { "/": { controllers: "cpuset\n" }, "/own": {} });
  const place = makeCgroupPlace(view(root, "/own", true), "pyro-1");
  assert.deepEqual("path" in place && place.path, join(root, "own", "pyro-1"));
});

test("an ordinary user has the VMs' groups in the daemon's own group", (t) => {
  const root = makeTree(t, { "/": {}, "/user/run-1.scope": { controllers: "memory pids\n" } });
  const place = makeCgroupPlace(view(root, "/user/run-1.scope", false), "pyro-1");
  assert.deepEqual(place, { path: join(root, "user/run-1.scope/pyro-1"), controllers: ["memory", "pids"] });
  assert.equal(enabledIn(root), "");
});

test("a daemon that starts in the group of an earlier daemon finds the same place", (t) => {
  const root = makeTree(t, { "/scope": {}, "/scope/pyro-daemon": {} });
  const place = makeCgroupPlace(view(root, "/scope/pyro-daemon", false), "pyro-1");
  assert.deepEqual("path" in place && place.path, join(root, "scope", "pyro-1"));
});

test("a host that allows no control groups: the reason is returned, and nothing is created", (t) => {
  const root = makeTree(t, { "/": {}, "/no-memory": { controllers: "cpu pids\n" }, "/neither": { controllers: "\n" } });
  mkdirSync(join(root, "read-only"));
  const reasonOf = (mountPoint: string | null, ownPath: string) => {
    const place = makeCgroupPlace(view(mountPoint, ownPath, false), "pyro-1");
    assert.ok("reason" in place);
    return place.reason;
  };
  assert.match(reasonOf(null, "/"), /version 2/);
  assert.match(reasonOf(root, "/../other"), /cannot be seen/);
  assert.match(reasonOf(root, "/no-memory"), /no memory controller/);
  assert.match(reasonOf(root, "/neither"), /no memory and no pids controller/);
  assert.match(reasonOf(root, "/read-only"), /not delegated/);
  for (const path of ["no-memory", "neither", "read-only"]) assert.ok(!existsSync(join(root, path, "pyro-1")));
});

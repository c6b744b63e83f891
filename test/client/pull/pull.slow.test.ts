import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Destination } from "../../../src/client/pull/destination.js";
import { pull, undoPull } from "../../../src/client/pull/pull.js";
import { buildSteps, type Step } from "../../../src/client/pull/steps.js";
import { stageSteps } from "../../../src/client/pull/stage.js";
import { Switch } from "../../../src/client/pull/switch.js";
import { HostTree } from "../../../src/client/pull/host-tree.js";
import { reconcile } from "../../../src/workspace/reconcile.js";
import { fc } from "../../property.js";
import { edit, editsOf, worlds } from "../../workspace/trees.js";
import { manifestOf, type Node, readTree, type Tree, writeTree } from "./guest.js";
import { openDirectories, Project, trees } from "./project.js";

const file = (text: string, mode = 0o644): Node => ({ type: "file", mode, text });
const directory: Node = { type: "directory", mode: 0o755 };
const kind = {
  nodes: fc.oneof(
    fc.constantFrom(file("one\n"), file("two\n"), file("two\n", 0o755), file("")),
    fc.constantFrom(directory, { type: "directory" as const, mode: 0o555 }),
    fc.constantFrom<Node>({ type: "link", target: "/etc" }, { type: "link", target: "a" }),
  ),
  directory,
  isDirectory: (node: Node) => node.type === "directory",
};

/** Runs more cases, for a long search. */
const runs = Number(process.env["PYRO_TEST_RUNS"] ?? 40);

test("pull: a second pull has nothing to do, and undo brings the first tree back", async () => {
  const world = trees(
    { a: file("1"), gone: file("g") },
    { a: file("1"), gone: file("g"), mine: file("m") },
    { a: file("2"), new: file("n") },
  );
  using project = new Project(world);
  const before = readTree(project.host);
  const first = await project.pull({ delete: true });
  assert.deepEqual(
    first.steps.map(({ path }) => path),
    ["gone", "a", "new"],
  );
  assert.deepEqual([...readTree(project.host).keys()], ["a", "mine", "new"]);
  assert.deepEqual((await project.pull({ delete: true })).steps, []);
  assert.equal((await project.undo()).steps.length, 3);
  assert.deepEqual(readTree(project.host), before);
  await assert.rejects(project.undo(), { code: "NOT_FOUND" });
});

test("pull: conflicts leave the host unchanged", async () => {
  using project = new Project(trees({ a: file("1") }, { a: file("2") }, { a: file("3"), b: file("b") }));
  const { conflicts } = await project.pull();
  assert.deepEqual(
    conflicts.map(({ path, reason }) => ({ path, reason })),
    [{ path: "a", reason: "changed" }],
  );
  assert.deepEqual([...readTree(project.host).keys()], ["a"]);
});

test("pull: with both, the workspace's file gets a free name beside the host's", async () => {
  using project = new Project(trees({}, { a: file("2"), "a.task": file("x") }, { a: file("3") }));
  await project.pull({ onConflict: "both" });
  assert.equal(readFileSync(join(project.host, "a"), "utf8"), "2");
  assert.equal(readFileSync(join(project.host, "a.task"), "utf8"), "x");
  assert.equal(readFileSync(join(project.host, "a.task-2"), "utf8"), "3");
});

test("pull: a dry run writes nothing", async () => {
  using project = new Project(trees({}, {}, { a: file("3") }));
  assert.equal((await project.pull({ dryRun: true })).steps.length, 1);
  assert.deepEqual(readdirSync(project.host), []);
  assert.equal(project.guest.base.size, 0);
});

test("undo: refuses when the host changed an entry since, and does nothing", async () => {
  using project = new Project(trees({}, {}, { a: file("3"), b: file("4") }));
  await project.pull();
  writeFileSync(join(project.host, "b"), "mine");
  await assert.rejects(project.undo(), { code: "DESTINATION_CHANGED" });
  assert.deepEqual(readdirSync(project.host), ["a", "b"]);
});

test("undo: refuses when the host put a file into a directory that had replaced a file", async () => {
  using project = new Project(trees({ d: file("1") }, { d: file("1") }, { d: directory, "d/a": file("2") }));
  await project.pull();
  writeFileSync(join(project.host, "d/mine"), "mine");
  await assert.rejects(project.undo(), { code: "DESTINATION_CHANGED", message: /d\/mine/ });
  assert.deepEqual(readdirSync(join(project.host, "d")), ["a", "mine"]);
});

test("undo: undoes an interrupted pull, and keeps the finished one before it", async () => {
  using project = new Project(trees({}, {}, { a: file("1") }));
  await project.pull();
  const destination = await Destination.open(project.home, project.host);
  const work = await destination.begin(project.guest);
  writeFileSync(join(work, "steps.json"), JSON.stringify({ steps: [], base: [] }));
  destination.close();
  assert.equal((await project.undo()).recovery, "rolled-back");
  assert.deepEqual(readdirSync(project.host), ["a"]);
  assert.equal((await project.undo()).recovery, null);
  assert.deepEqual(readdirSync(project.host), []);
});

test("undo: changes the base first, so that an undo that is killed hides no change from the next pull", async () => {
  using project = new Project(trees({}, {}, { a: file("1") }));
  await project.pull();
  const killed = undoPull(project.home, project.guest.taskId, async (_, root, entries) => {
    await project.guest.settle(root, entries);
    throw new Error("killed");
  });
  await assert.rejects(killed, { message: "killed" });
  assert.deepEqual(readdirSync(project.host), ["a"]);
  assert.equal(project.guest.base.size, 0);
});

test("pull: a destination that is missing, a file, or a link to nothing is refused", async () => {
  using project = new Project(trees({}, { f: file("x") }, { a: file("3") }));
  symlinkSync("nowhere", join(project.host, "l"));
  for (const name of ["missing", "f", "l"]) {
    await assert.rejects(project.pull({ destination: join(project.host, name) }), { code: "DESTINATION_UNUSABLE" });
  }
});

test("pull: refuses another pull into the same directory, also by another name of it", async () => {
  using project = new Project(trees({}, {}, { a: file("3") }));
  const alias = join(project.path, "alias");
  symlinkSync(project.host, alias);
  const held = await Destination.open(project.home, alias);
  await assert.rejects(project.pull(), { code: "FAILED_PRECONDITION" });
  held.close();
  assert.equal((await project.pull()).steps.length, 1);
});

const hostile: { readonly title: string; readonly task: Record<string, Node>; readonly code: string }[] = [
  { title: "..", task: { "../out": file("x") }, code: "DESTINATION_UNUSABLE" },
  {
    title: "a file beneath a link",
    task: { d: { type: "link", target: "/tmp" }, "d/x": file("x") },
    code: "DESTINATION_CHANGED",
  },
  { title: "an absolute name", task: { "/etc/pyro-test": file("x") }, code: "DESTINATION_UNUSABLE" },
  { title: "a part that is too long", task: { ["x".repeat(256)]: file("x") }, code: "DESTINATION_UNUSABLE" },
];
for (const { title, task, code } of hostile) {
  test(`pull: a hostile manifest with ${title} writes nothing`, async () => {
    using project = new Project(trees({}, {}, task));
    await assert.rejects(project.pull(), (error: Error & { code: string }) => {
      assert.ok([code, "ARCHIVE_PATH_THROUGH_LINK"].includes(error.code), error.code);
      return true;
    });
    assert.deepEqual(readdirSync(project.host), []);
  });
}

test("pull: content that differs from the manifest is refused", async () => {
  using project = new Project(trees({}, {}, { a: file("3"), b: file("4") }));
  const { guest } = project;
  const { changes } = guest;
  guest.tree = new Map([["a", file("5")]]);
  const { taskId, taskName, isOrigin } = guest;
  const lying = {
    taskId,
    taskName,
    isOrigin,
    changes,
    export: guest.export.bind(guest),
    hash: guest.hash.bind(guest),
    settle: guest.settle.bind(guest),
  };
  const options = {
    homePath: project.home,
    destination: project.host,
    onConflict: "fail",
    delete: false,
    dryRun: false,
  } as const;
  await assert.rejects(pull(lying, options), { code: "WORKSPACE_CHANGED", message: /"a", "b"/ });
  assert.deepEqual(readdirSync(project.host), []);
});

test("pull: an entry that the host changes during the pull is found before the first step", async () => {
  using project = new Project(trees({ a: file("1") }, { a: file("1") }, { a: file("3") }));
  const { guest } = project;
  const exported = guest.export.bind(guest);
  guest.export = async (paths, take) => {
    writeFileSync(join(project.host, "a"), "9");
    await exported(paths, take);
  };
  await assert.rejects(project.pull(), { code: "DESTINATION_CHANGED" });
  assert.equal(readFileSync(join(project.host, "a"), "utf8"), "9");
});

test("pull: a host that did not change becomes the workspace, and undo brings it back", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(kind), async ({ base, task }) => {
      using project = new Project({ base, host: base, task });
      const before = readTree(project.host);
      const { steps } = await project.pull({ delete: true });
      assert.deepEqual(readTree(project.host), sorted(task));
      if (steps.length === 0) return;
      await project.undo();
      assert.deepEqual(readTree(project.host), before);
    }),
    { numRuns: runs },
  );
});

test("pull: another process undoes any number of steps, also twice", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(kind), fc.nat(12), async ({ base, host, task }, count) => {
      using project = new Project({ base, host, task });
      const before = readTree(project.host);
      const { steps, work } = await prepare(project);
      await new Switch(project.host, work, steps.slice(0, count)).carryOut();
      await new Switch(project.host, work, steps).undo();
      assert.deepEqual(readTree(project.host), before);
      await new Switch(project.host, work, steps).undo();
      assert.deepEqual(readTree(project.host), before);
    }),
    { numRuns: runs },
  );
});

test("pull: after a failed step, the earlier steps are undone", async () => {
  await fc.assert(
    fc.asyncProperty(worlds(kind), fc.nat(12), async ({ base, host, task }, index) => {
      using project = new Project({ base, host, task });
      const before = readTree(project.host);
      const { steps, work } = await prepare(project);
      rmSync(join(work, "new", String(index)), { force: true });
      const carriedOut = new Switch(project.host, work, steps);
      const failed = await carriedOut.carryOut().then(
        () => false,
        () => true,
      );
      if (!failed) return;
      await carriedOut.undo();
      assert.deepEqual(readTree(project.host), before);
    }),
    { numRuns: runs },
  );
});

test("pull: histories of edits, pulls and undos keep entries that only the host made", async () => {
  const moves = fc.array(fc.tuple(editsOf(kind), editsOf(kind), fc.constantFrom("pull", "undo", "both")), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(worlds(kind), moves, async ({ base }, history) => {
      using project = new Project({ base, host: base, task: base });
      for (const [hostEdits, taskEdits, move] of history) {
        const host = edit(kind, readTree(project.host), hostEdits);
        openDirectories(project.host);
        rmSync(project.host, { recursive: true });
        mkdirSync(project.host);
        writeTree(project.host, host);
        project.guest.tree = edit(kind, project.guest.tree, taskEdits);
        const known = new Map(project.guest.base);
        if (move === "undo") {
          await project.undo().catch((error: Error & { code?: string }) => {
            assert.ok(error.code === "NOT_FOUND" || error.code === "DESTINATION_CHANGED", String(error));
          });
          continue;
        }
        const { conflicts } = await project.pull({ delete: true, onConflict: move === "both" ? "both" : "fail" });
        const after = readTree(project.host);
        if (conflicts.length > 0) assert.deepEqual(after, sorted(host));
        for (const [path, node] of manifestOf(host)) {
          if (node.type === "directory" || equal(node, known.get(path))) continue;
          assert.deepEqual(manifestOf(after).get(path), node, `${path} is the host's own`);
        }
      }
    }),
    { numRuns: runs },
  );
});

/** The steps of a pull in which the workspace wins, with everything staged. */
async function prepare(project: Project): Promise<{ steps: Step[]; work: string }> {
  const { guest } = project;
  const tree = new HostTree(project.host);
  const { changes } = guest;
  await tree.look(
    changes.map(({ path }) => path),
    () => true,
  );
  const plan = reconcile(changes, tree, { onConflict: "task", delete: true });
  const steps = buildSteps(
    plan,
    (path) => tree.entry(path),
    (path) => tree.isTaken(path),
  );
  const work = join(project.path, "work");
  mkdirSync(join(work, "new"), { recursive: true });
  mkdirSync(join(work, "old"));
  await stageSteps(join(work, "new"), steps, (paths, take) => guest.export(paths, take));
  return { steps, work };
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sorted(tree: Tree): Map<string, Node> {
  const all = [...tree].toSorted(([a], [b]) => (a.replaceAll("/", "\0") < b.replaceAll("/", "\0") ? -1 : 1));
  return new Map(all);
}

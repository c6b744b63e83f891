import assert from "node:assert/strict";
import { test } from "node:test";

import { findChanges, findRenames } from "../../src/workspace/changes.js";
import { ancestorsOf, byPath, type Entry, isEqual, type Manifest } from "../../src/workspace/entry.js";
import { type ConflictChoice, type Plan, reconcile, type ReconcileOptions } from "../../src/workspace/reconcile.js";
import { fc, inAll } from "../property.js";
import { worlds } from "./trees.js";

const file = (digest: string): Entry => ({ type: "file", mode: 0o644, sizeBytes: digest.length, digest });
const directory: Entry = { type: "directory", mode: 0o755 };
const link: Entry = { type: "link", target: "elsewhere" };

type Tree = Map<string, Entry>;

function plan(base: Manifest, host: Manifest, task: Manifest, options: Partial<ReconcileOptions> = {}): Plan {
  const view = {
    entry: (path: string) => host.get(path) ?? null,
    beneath: (path: string) => [...host.keys()].filter((other) => other.startsWith(`${path}/`)),
  };
  return reconcile(findChanges(base, task), view, { onConflict: "fail", delete: false, ...options });
}

/** Carries a plan out, and throws where a file system would refuse. */
function apply(host: Manifest, { writes, deletes }: Plan): Tree {
  const result = new Map(host);
  for (const path of deletes) {
    const hasContent = [...result.keys()].some((other) => other.startsWith(`${path}/`));
    assert.ok(result.has(path), `${path} is deleted and does not exist`);
    if (!hasContent) result.delete(path);
  }
  for (const { path, entry, beside } of writes) {
    const to = beside === null ? path : `${beside}.task${path.slice(beside.length)}`;
    const there = result.get(to);
    if (there?.type === "directory" && entry.type !== "directory") assert.fail(`${to} is a directory`);
    result.set(to, entry);
  }
  assertTree(result);
  return result;
}

function assertTree(tree: Manifest): void {
  for (const path of tree.keys()) {
    for (const ancestor of ancestorsOf(path))
      assert.equal(tree.get(ancestor)?.type, "directory", `${ancestor} of ${path}`);
  }
}

const cases: {
  readonly title: string;
  readonly base?: Record<string, Entry>;
  readonly host?: Record<string, Entry>;
  readonly task?: Record<string, Entry>;
  readonly options?: Partial<ReconcileOptions>;
  readonly expected: { writes?: string[]; deletes?: string[]; kept?: string[]; conflicts?: string[] };
}[] = [
  { title: "a file that only the task has is written", task: { a: file("1") }, expected: { writes: ["a"] } },
  { title: "a file that only the host has stays", host: { a: file("1") }, expected: {} },
  {
    title: "a file that only the host changed stays",
    ...{ base: { a: file("1") }, host: { a: file("2") }, task: { a: file("1") } },
    expected: {},
  },
  {
    title: "the same change on both sides is settled without a write",
    ...{ base: { a: file("1") }, host: { a: file("2") }, task: { a: file("2") } },
    expected: {},
  },
  {
    title: "different changes are a conflict",
    ...{ base: { a: file("1") }, host: { a: file("2") }, task: { a: file("3") } },
    expected: { conflicts: ["a changed"] },
  },
  {
    title: "a removed file is kept without delete",
    ...{ base: { a: file("1") }, host: { a: file("1") } },
    expected: { kept: ["a"] },
  },
  {
    title: "a removed file is deleted with delete",
    ...{ base: { a: file("1") }, host: { a: file("1") }, options: { delete: true } },
    expected: { deletes: ["a"] },
  },
  {
    title: "a removed file that the host changed is a conflict",
    ...{ base: { a: file("1") }, host: { a: file("2") }, options: { delete: true } },
    expected: { conflicts: ["a changed"] },
  },
  {
    title: "a changed file that the host removed is a conflict",
    ...{ base: { a: file("1") }, task: { a: file("2") } },
    expected: { conflicts: ["a changed"] },
  },
  {
    title: "a file in a directory that the host removed brings the directory back",
    ...{ base: { d: directory }, task: { d: directory, "d/a": file("1") } },
    expected: { writes: ["d", "d/a"] },
  },
  {
    title: "a file beneath a link of the host is a conflict at the link",
    ...{ base: { d: directory }, host: { d: link }, task: { d: directory, "d/a": file("1") } },
    expected: { conflicts: ["d changed"] },
  },
  {
    title: "a link in the place of an unchanged directory needs delete",
    ...{ base: { d: directory, "d/a": file("1") }, host: { d: directory, "d/a": file("1") }, task: { d: link } },
    expected: { conflicts: ["d occupied"] },
  },
  {
    title: "a link in the place of an unchanged directory deletes what was in it",
    ...{ base: { d: directory, "d/a": file("1") }, host: { d: directory, "d/a": file("1") }, task: { d: link } },
    options: { delete: true },
    expected: { deletes: ["d/a", "d"], writes: ["d"] },
  },
  {
    title: "a link in the place of a directory to which the host added a file is a conflict",
    ...{
      base: { d: directory },
      host: { d: directory, "d/new": file("1") },
      task: { d: link },
      options: { delete: true },
    },
    expected: { conflicts: ["d occupied"] },
  },
  {
    title: "a directory in the place of an unchanged file replaces it",
    ...{ base: { d: file("1") }, host: { d: file("1") }, task: { d: directory, "d/a": file("2") } },
    expected: { writes: ["d", "d/a"] },
  },
  {
    title: "with both, the host's file stays and the task's directory arrives beside it",
    ...{ host: { d: file("1") }, task: { d: directory, "d/a": file("2") }, options: { onConflict: "both" } },
    expected: { writes: ["d beside d", "d/a beside d"] },
  },
  {
    title: "with host, a conflict is settled without a write",
    ...{ base: { a: file("1") }, host: { a: file("2") }, task: { a: file("3") }, options: { onConflict: "host" } },
    expected: {},
  },
];

for (const { title, base = {}, host = {}, task = {}, options, expected } of cases) {
  test(`reconcile: ${title}`, () => {
    const [before, there, wanted] = [base, host, task].map((tree) => new Map(Object.entries(tree)));
    assert.ok(before && there && wanted);
    const { writes, deletes, kept, conflicts } = plan(before, there, wanted, options);
    assert.deepEqual(
      {
        writes: writes.map(({ path, beside }) => (beside === null ? path : `${path} beside ${beside}`)),
        deletes,
        kept,
        conflicts: conflicts.map(({ path, reason }) => `${path} ${reason}`),
      },
      { writes: [], deletes: [], kept: [], conflicts: [], ...expected },
    );
  });
}

const entries = fc.oneof(
  fc.constantFrom(file("1"), file("22"), file("333")),
  fc.constantFrom<Entry>(directory, { type: "directory", mode: 0o700 }),
  fc.constant(link),
);
const world = worlds({ nodes: entries, directory, isDirectory: (entry: Entry) => entry.type === "directory" });

test("reconcile: a host that did not change becomes the workspace", () => {
  fc.assert(
    fc.property(world, ({ base, task }) => {
      const decided = plan(base, base, task, { delete: true });
      assert.deepEqual(decided.conflicts, []);
      assert.deepEqual(sorted(apply(base, decided)), sorted(task));
    }),
    { numRuns: inAll(2000) },
  );
});

test("reconcile: without conflicts, each entry of the result comes from the side that changed it, and no change of the host is lost", () => {
  fc.assert(
    fc.property(world, fc.boolean(), ({ base, host, task }, isDeleting) => {
      const decided = plan(base, host, task, { delete: isDeleting });
      if (decided.conflicts.length > 0) return;
      const result = apply(host, decided);
      for (const path of allPaths(base, host, task)) {
        assertDecided({ base, host, task, result }, path, isDeleting);
      }
    }),
    { numRuns: inAll(3000) },
  );
});

test("reconcile: each choice other than `fail` leaves a valid tree, and a second pull has nothing to do", () => {
  const choices = fc.constantFrom<ConflictChoice>("task", "host", "both");
  fc.assert(
    fc.property(world, choices, ({ base, host, task }, onConflict) => {
      const decided = plan(base, host, task, { onConflict, delete: true });
      assert.deepEqual(decided.conflicts, []);
      const result = apply(host, decided);
      const advanced = new Map(base);
      for (const path of decided.settled) {
        const entry = task.get(path);
        if (entry === undefined) advanced.delete(path);
        else advanced.set(path, entry);
      }
      assert.deepEqual(findChanges(advanced, task), []);
      if (onConflict === "host") assertKeeps(result, host, base);
      if (onConflict === "both") assertKeeps(result, host, base);
    }),
    { numRuns: inAll(3000) },
  );
});

test("findRenames: pairs a removed file with an added one of the same content, the same name first", () => {
  const base = new Map([
    ["a/x", file("1")],
    ["a/y", file("1")],
    ["gone", file("22")],
  ]);
  const task = new Map([
    ["b/y", file("1")],
    ["b/z", file("1")],
    ["new", file("333")],
  ]);
  assert.deepEqual(findRenames(findChanges(base, task)), [
    { from: "a/y", to: "b/y" },
    { from: "a/x", to: "b/z" },
  ]);
});

/** The possible effects on one path of a pull without conflicts. */
function assertDecided(
  trees: Record<"base" | "host" | "task" | "result", Manifest>,
  path: string,
  isDeleting: boolean,
): void {
  const at = (tree: Manifest) => tree.get(path) ?? null;
  const [was, here, there, now] = [at(trees.base), at(trees.host), at(trees.task), at(trees.result)] as const;
  if (isEqual(was, there)) {
    const isBack = now?.type === "directory" && here === null;
    if (!isBack) assert.deepEqual(now, here, `${path}: only the host may have changed it`);
  } else if (isEqual(was, here) && now?.type !== "directory") {
    const isKept = there === null && !isDeleting;
    assert.deepEqual(now, isKept ? here : there, `${path}: only the workspace changed it`);
  } else if (here !== null && here.type !== "directory" && !isEqual(was, here)) {
    assert.deepEqual(now, here, `${path}: the host's own entry is gone`);
  }
}

/** No file or link that the host made or changed has disappeared. */
function assertKeeps(result: Manifest, host: Manifest, base: Manifest): void {
  for (const [path, entry] of host) {
    if (entry.type === "directory" || isEqual(entry, base.get(path) ?? null)) continue;
    assert.deepEqual(result.get(path), entry, path);
  }
}

function allPaths(...trees: Manifest[]): string[] {
  return [...new Set(trees.flatMap((tree) => [...tree.keys()]))].toSorted(byPath);
}

function sorted(tree: Manifest): [string, Entry][] {
  return [...tree].toSorted(([a], [b]) => byPath(a, b));
}

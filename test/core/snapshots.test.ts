import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import pino from "pino";

import type { Presence } from "../../src/backend/backend.js";
import type { SnapshotOptions } from "../../src/backend/snapshot.js";
import { PyroError } from "../../src/contract/errors.js";
import { Snapshots, type NewSnapshot, type Snapshot } from "../../src/core/snapshots/snapshots.js";
import { whileUsed } from "../../src/core/snapshots/uses.js";
import { Holds } from "../../src/environments/holds.js";
import { diskUsageBytes } from "../../src/host/disk.js";
import { ScratchDirectory } from "../archive/trees.js";
import { fc, inAll } from "../property.js";

const about = (name: string | null, digest = "d1"): NewSnapshot => ({
  ...{ name, task_id: "task-000000000001", parent: null, environment: "debian:12", environment_digest: digest },
  ...{ vcpu_count: 1, mem_mib: 256, disk_mib: 1024 },
});
const { signal } = new AbortController();

/** A machine whose snapshots are files of a few bytes, or fail. */
function machineThat(does: "works" | "fails" = "works"): Presence & { paused: boolean } {
  const machine = {
    ...({ id: "vm-1", backend: "qemu", executionMode: "guest", accelerator: "tcg" } as const),
    ...{ network: null, networkRequest: null, handle: null, reservedMib: null, reservedDiskMib: null },
    ...{ died: new Promise<string>(() => {}), stall: () => null, answers: async () => {}, paused: false },
    usage: async () => ({ memoryBytes: 0, diskBytes: 0 }),
    snapshot: async (directory: string, { onBegun, onPaused, resumes = true }: SnapshotOptions) => {
      writeFileSync(join(directory, "pages"), "pages");
      onBegun?.({ of: "the backend" });
      await onPaused?.();
      if (does === "fails") throw new PyroError("DISK_FULL", "of the test");
      machine.paused = !resumes;
      return { handle: { of: "the backend" }, memoryBytes: 5, diskBytes: 0, pauseMs: 1.5 };
    },
    // Never answers, like a QEMU that the host has stopped.
    proceed: () => {
      machine.paused = false;
      return new Promise<void>(() => {});
    },
    destroy: async () => {},
  };
  return machine;
}

async function open(scratch: ScratchDirectory) {
  const environments = new Holds();
  const store = await Snapshots.open({ homePath: scratch.path, environments, log: pino({ level: "silent" }) });
  return { environments, store, path: join(scratch.path, "snapshots") };
}

test("a snapshot: is found by id and name after the store is opened anew, and holds its environment until it is deleted", async () => {
  using scratch = new ScratchDirectory();
  const { store, environments } = await open(scratch);
  const fill = async (directory: string) => writeFileSync(join(directory, "journal"), "of core");
  const made = await store.create(machineThat(), about("one"), { signal, fill });
  assert.ok(environments.isHeld("d1"));
  const again = await open(scratch);
  assert.ok(again.environments.isHeld("d1"));
  const found = again.store.get("one");
  assert.deepEqual(found.record, made.record);
  assert.deepEqual(
    [found.record.memory_bytes, found.record.pause_ms, found.record.machine],
    [5, 2, { of: "the backend" }],
  );
  assert.equal(readFileSync(join(found.taskPath, "journal"), "utf8"), "of core");
  assert.equal(again.store.get(made.record.snapshot_id), found);
  await again.store.delete(made.record.snapshot_id);
  assert.ok(!again.environments.isHeld("d1"));
  assert.deepEqual(readdirSync(again.path), []);
  assert.throws(() => again.store.get("one"), { code: "NOT_FOUND" });
});

test("a name that is taken, also by a snapshot that is being made: ALREADY_EXISTS", async () => {
  using scratch = new ScratchDirectory();
  const { store } = await open(scratch);
  const first = store.create(machineThat(), about("one"), { signal });
  await assert.rejects(store.create(machineThat(), about("one"), { signal }), { code: "ALREADY_EXISTS" });
  await first;
  await assert.rejects(store.create(machineThat(), about("one"), { signal }), { code: "ALREADY_EXISTS" });
  await store.create(machineThat(), about(null), { signal });
});

test("a passing snapshot for one machine: its use begins while it is made, and its files stay until the use has ended", async () => {
  using scratch = new ScratchDirectory();
  const { store, path } = await open(scratch);
  const steps: string[] = [];
  const fill = async () => void steps.push("filled");
  const use = async ({ record, whole, directory }: Snapshot) => {
    steps.push("begun");
    assert.deepEqual(record.machine, { of: "the backend" });
    await whole;
    assert.ok(existsSync(directory));
    return "used";
  };
  assert.equal(await store.passing(machineThat(), about(null), { signal, fill, isForOne: true }, use), "used");
  assert.deepEqual(steps, ["begun", "filled"]);
  assert.deepEqual(readdirSync(path), []);
  // The use of a snapshot that fails ends before its files are removed.
  let left: string[] = [];
  const failing = ({ whole }: Snapshot) =>
    whole!.catch(async () => {
      await setImmediate();
      left = readdirSync(path);
    });
  const made = store.passing(machineThat("fails"), about(null), { signal, isForOne: true }, failing);
  await assert.rejects(made, { code: "DISK_FULL" });
  assert.equal(left.length, 1);
  // A use that fails while the snapshot is made.
  const fails = async () => Promise.reject(new PyroError("VM_START_FAILED", "of the test"));
  const tried = store.passing(machineThat(), about(null), { signal, isForOne: true }, fails);
  await assert.rejects(tried, { code: "VM_START_FAILED" });
  assert.deepEqual(readdirSync(path), []);
});

test("a snapshot that fails at any step: nothing is left, its name is free, and the machine is not left paused", async () => {
  using scratch = new ScratchDirectory();
  const { store, path } = await open(scratch);
  const fails = async () => {
    throw new PyroError("DISK_FULL", "of the test");
  };
  await assert.rejects(store.create(machineThat("fails"), about("one"), { signal }), { code: "DISK_FULL" });
  await assert.rejects(store.create(machineThat(), about("one"), { signal, onPaused: fails }), { code: "DISK_FULL" });
  const machine = machineThat();
  const options = { signal, resumes: false };
  await assert.rejects(store.create(machine, about("one"), { ...options, fill: fails }), { code: "DISK_FULL" });
  assert.equal(machine.paused, false);
  await assert.rejects(store.passing(machine, about(null), options, fails), { code: "DISK_FULL" });
  assert.equal(machine.paused, false);
  assert.deepEqual(readdirSync(path), []);
  await store.create(machine, about("one"), options);
  assert.equal(machine.paused, true);
});

test("a passing snapshot: is not listed, and is gone after its use", async () => {
  using scratch = new ScratchDirectory();
  const { store, path } = await open(scratch);
  const used = await store.passing(machineThat(), about(null), { signal }, async ({ directory }) => {
    assert.ok(existsSync(join(directory, "pages")));
    assert.deepEqual(store.list(), []);
    return directory;
  });
  assert.ok(!existsSync(used));
  assert.deepEqual(readdirSync(path), []);
});

test("a snapshot that is in use: is deleted after its use", async () => {
  using scratch = new ScratchDirectory();
  const { store } = await open(scratch);
  const made = await store.create(machineThat(), about(null), { signal });
  let end = () => {};
  const use = whileUsed(made, () => new Promise<void>((resolve) => (end = resolve)));
  const deleted = store.delete(made.record.snapshot_id);
  assert.ok(existsSync(made.directory));
  end();
  await Promise.all([use, deleted]);
  assert.ok(!existsSync(made.directory));
});

test("leftovers: half-made snapshots of killed daemons are removed, and records of newer versions stay", async () => {
  using scratch = new ScratchDirectory();
  const first = await open(scratch);
  const { record } = await first.store.create(machineThat(), about(null), { signal });
  const write = (id: string, json: object) => {
    mkdirSync(join(first.path, id));
    writeFileSync(join(first.path, id, "snapshot.json"), JSON.stringify(json));
  };
  write("snap-00000000000a", { ...record, snapshot_id: "snap-00000000000a", format: 2 });
  write("snap-00000000000b", record);
  mkdirSync(join(first.path, "tmp-1.1-00"));
  mkdirSync(join(first.path, "snap-00000000000c"));
  const { store, path } = await open(scratch);
  assert.deepEqual(
    store.list().map((snapshot) => snapshot.record.snapshot_id),
    [record.snapshot_id],
  );
  assert.deepEqual(
    readdirSync(path).toSorted(),
    [record.snapshot_id, "snap-00000000000a", "snap-00000000000b", "snap-00000000000c"].toSorted(),
  );
});

/** The store beside a model of it: names, and the environments and results of setups that were made. */
class Modelled {
  readonly #scratch: ScratchDirectory;
  #opened: Awaited<ReturnType<typeof open>>;
  readonly #named = new Map<string, string>();
  readonly #others: { readonly kind: "save" | "setup"; readonly id: string; readonly digest: string }[] = [];

  constructor(scratch: ScratchDirectory, opened: Awaited<ReturnType<typeof open>>) {
    this.#scratch = scratch;
    this.#opened = opened;
  }

  readonly steps = {
    open: async () => void (this.#opened = await open(this.#scratch)),
    fail: () => assert.rejects(this.#opened.store.create(machineThat("fails"), about(null), { signal })),
    pass: () => this.#opened.store.passing(machineThat(), about(null), { signal }, async () => {}),
    create: async (name: string, digest: string) => {
      const making = this.#opened.store.create(machineThat(), about(name, digest), { signal });
      if (this.#named.has(name)) await assert.rejects(making, { code: "ALREADY_EXISTS" });
      else this.#named.set(name, (await making).record.snapshot_id);
    },
    delete: async (name: string) => {
      const id = this.#named.get(name);
      if (id === undefined) return;
      await this.#opened.store.delete(id);
      this.#named.delete(name);
    },
    save: async (name: string, digest: string) => {
      const id = this.#named.get(name);
      if (id === undefined) return;
      const { store } = this.#opened;
      const { record } = await store.saveAs(store.get(id), `env-${this.#others.length}`, signal);
      this.#others.push({ kind: "save", id: record.snapshot_id, digest });
    },
    setup: async (name: string, digest: string) => {
      const made = { ...about(null, digest), setup_key: name };
      const { record } = await this.#opened.store.create(machineThat(), made, { signal });
      this.#others.push({ kind: "setup", id: record.snapshot_id, digest });
    },
    forget: () => this.#removeFirst("save"),
    prune: () => this.#removeFirst("setup"),
  };

  async #removeFirst(wanted: "save" | "setup"): Promise<void> {
    const at = this.#others.findIndex(({ kind }) => kind === wanted);
    for (const { id } of at === -1 ? [] : this.#others.splice(at, 1)) await this.#opened.store.delete(id);
  }

  check(): void {
    const { path, store, environments } = this.#opened;
    assert.deepEqual(readdirSync(path).toSorted(), this.#ids().toSorted());
    assert.equal(store.list().length, this.#named.size);
    for (const each of [0, 1, 2, 3, 4, 5]) {
      const isNeeded = this.#named.has(`name-${each}`) || this.#others.some(({ digest }) => digest === `d${each}`);
      assert.equal(environments.isHeld(`d${each}`), isNeeded);
    }
  }

  async removeAll(): Promise<void> {
    for (const id of this.#ids()) await this.#opened.store.delete(id);
  }

  #ids(): string[] {
    return [...this.#named.values(), ...this.#others.map(({ id }) => id)];
  }
}

const STEPS = ["create", "fail", "pass", "delete", "open", "save", "forget", "setup", "prune"] as const;

test("40 steps in any order of making, failing, deleting, saving and opening: the store equals a model of it, and frees its disk space", async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(5)), { minLength: 40, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      using scratch = new ScratchDirectory();
      const opened = await open(scratch);
      const empty = await diskUsageBytes(opened.path);
      const modelled = new Modelled(scratch, opened);
      for (const [step, number] of chosen) {
        await modelled.steps[step](`name-${number}`, `d${number}`);
        modelled.check();
      }
      await modelled.removeAll();
      assert.equal(await diskUsageBytes(opened.path), empty);
    }),
    { numRuns: inAll(25) },
  );
});

test("a snapshot that cannot be read: is listed with the reason, refused, and can be deleted", async () => {
  using scratch = new ScratchDirectory();
  const { store, path } = await open(scratch);
  const { snapshot_id: id } = (await store.create(machineThat(), about("one"), { signal })).record;
  for (const [content, reason] of [
    ["{", "snapshot.json: it is not JSON"],
    ['{"format": 2}', "a newer pyro wrote it (format 2)"],
  ] as const) {
    writeFileSync(join(path, id, "snapshot.json"), content);
    const again = await open(scratch);
    assert.deepEqual([...again.store.unreadable], [[id, reason]]);
    assert.throws(() => again.store.get(id), { code: "FAILED_PRECONDITION" });
  }
  const last = await open(scratch);
  await last.store.delete(id);
  assert.deepEqual([[...last.store.unreadable], readdirSync(last.path)], [[], []]);
  assert.throws(() => last.store.get(id), { code: "NOT_FOUND" });
});

test("a snapshot that is an environment: belongs to no task, stays when its source is deleted, and holds what is below it", async () => {
  using scratch = new ScratchDirectory();
  const { store, environments, path } = await open(scratch);
  const fill = async (directory: string) => writeFileSync(join(directory, "journal"), "of core");
  const source = await store.create(machineThat(), about("one"), { signal, fill });
  const saved = await store.saveAs(source, "web:ready", signal);
  await store.delete(source.record.snapshot_id);
  const again = await open(scratch);
  assert.deepEqual(again.store.list(), []);
  const found = again.store.findSaved("web:ready");
  assert.deepEqual(found?.record, saved.record);
  assert.deepEqual([found.record.name, found.record.parent], [null, source.record.snapshot_id]);
  assert.equal(readFileSync(join(found.taskPath, "journal"), "utf8"), "of core");
  assert.ok(environments.isHeld("d1"));
  await assert.rejects(
    again.store.saveAs(found, "web:next", AbortSignal.abort(new PyroError("ABORTED", "of the test"))),
    { code: "ABORTED" },
  );
  await again.store.delete(found.record.snapshot_id);
  assert.deepEqual([again.store.findSaved("web:ready"), readdirSync(path)], [null, []]);
});

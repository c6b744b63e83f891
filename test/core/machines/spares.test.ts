import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import type { Machine } from "../../../src/backend/backend.js";
import { Budget, noCeilings } from "../../../src/core/machines/budget.js";
import type { ReadyMachine, SpareKind } from "../../../src/core/machines/spare-kind.js";
import { Spares } from "../../../src/core/machines/spares.js";
import { countRoom } from "../../../src/core/machines/start.js";
import { openLog } from "../../../src/host/log.js";
import { abortable } from "../../../src/host/abortable.js";
import { until } from "../../client/scratch.js";

const share = { memoryMib: 1408, diskMib: 10_240 };
const KIND: SpareKind = { key: "a", environment: "debian:12", vcpuCount: 1, memMib: 1024, network: false, share };

/** Spares of machines that are names only, on a host whose memory the test sets. */
class Bench {
  availableMib = 100_000;
  readonly made: { readonly name: string; readonly urgent: AbortSignal }[] = [];
  readonly destroyed: string[] = [];
  /** Without limits, unless a test sets others. */
  budget = new Budget(noCeilings, async () => 0);
  readonly spares = new Spares({
    ...{ log: openLog("/dev/null"), availableMib: () => this.availableMib },
    isAllowed: (needed) => this.budget.fits(needed),
  });
  /** While it is set, machines are not ready. */
  gate: Promise<void> = Promise.resolve();

  /** This many simultaneous callers; each takes a machine, and all release it at the end. Returns the names of the spares they got. */
  async burst(count: number, kind = KIND): Promise<(string | null)[]> {
    const uses = Array.from({ length: count }, () =>
      this.spares.begin(kind, (urgent, signal) => this.#make(kind, urgent, signal)),
    );
    const taken = await Promise.all(uses.map(() => this.spares.take(kind.key)));
    for (const use of uses) use.settle();
    for (const use of uses) use.end();
    return taken.map((spare) => spare?.machine.id ?? null);
  }

  ready(key = KIND.key): number {
    return this.spares.counts().find((count) => count.key === key)?.ready ?? 0;
  }

  async #make(kind: SpareKind, urgent: AbortSignal, signal: AbortSignal): Promise<ReadyMachine> {
    const name = `${kind.key}${this.made.length}`;
    this.made.push({ name, urgent });
    const release = await this.budget.take(kind.share);
    await abortable(this.gate, signal).catch(async (error: unknown) => {
      await setImmediate();
      release();
      throw error;
    });
    const destroy = async () => {
      release();
      this.destroyed.push(name);
    };
    const machine = { id: name, died: new Promise<string>(() => {}), destroy } as unknown as Machine;
    return { machine, release: () => {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.spares.close();
  }
}

test("one request leaves no spare; the second leaves one", async () => {
  await using bench = new Bench();
  await bench.burst(1);
  assert.equal(bench.made.length, 0);
  await bench.burst(1);
  await until("a spare", async () => bench.ready() === 1);
});

test("after simultaneous requests, the same number of spares is kept, and each is taken once", async () => {
  await using bench = new Bench();
  await bench.burst(5);
  await until("five spares", async () => bench.ready() === 5);
  const first = await bench.burst(5);
  await until("five others", async () => bench.ready() === 5);
  const second = await bench.burst(5);
  assert.equal(new Set([...first, ...second]).size, 10, "none was handed out twice");
  assert.ok(!first.includes(null) && !second.includes(null));
});

test("no more than 16 spares are kept", async () => {
  await using bench = new Bench();
  await bench.burst(40);
  await until("16 spares", async () => bench.ready() === 16);
  await bench.burst(1);
  await until("16 again", async () => bench.ready() === 16);
  assert.equal(bench.made.length, 17);
});

test("no spare is made unless the host has 2 GiB more than the spare may use", async () => {
  await using bench = new Bench();
  bench.availableMib = 1024 + 2047;
  await bench.burst(3);
  assert.equal(bench.made.length, 0);
  bench.availableMib = 1024 + 2048;
  await bench.burst(3);
  await until("spares", async () => bench.ready() === 3);
});

test("spares are given back when the host is short of memory", async () => {
  await using bench = new Bench();
  await bench.burst(2);
  await until("two spares", async () => bench.ready() === 2);
  bench.availableMib = 2047;
  await until("none", async () => bench.ready() === 0);
  assert.equal(bench.destroyed.length, 2);
});

test("a spare becomes urgent when it is taken, or when a caller waits for it while it is made", async () => {
  await using bench = new Bench();
  await bench.burst(2);
  await until("two spares", async () => bench.ready() === 2);
  assert.ok(bench.made.every(({ urgent }) => !urgent.aborted));
  let open = () => {};
  bench.gate = new Promise((resolve) => (open = resolve));
  await bench.burst(2);
  assert.deepEqual(
    bench.made.map(({ urgent }) => urgent.aborted),
    [true, true, false],
  );
  const waiting = bench.burst(1);
  assert.equal(bench.made[2]?.urgent.aborted, true);
  open();
  assert.deepEqual(await waiting, ["a2"]);
});

test("spares of two kinds are kept, the kind of the last request first", async () => {
  await using bench = new Bench();
  const other = { ...KIND, key: "b" };
  await bench.burst(2);
  await bench.burst(2, other);
  await until("both", async () => bench.ready("a") + bench.ready("b") === 4);
  assert.equal(bench.made[1]?.name, "b1");
});

test("the end of a burst removes every spare, and gives up one that is being made", async () => {
  await using bench = new Bench();
  await bench.burst(1);
  await bench.burst(1);
  await until("a spare", async () => bench.ready() === 1);
  bench.gate = new Promise(() => {});
  await bench.burst(2);
  await bench.spares.end();
  assert.deepEqual(bench.spares.counts(), []);
  assert.equal(bench.made.length, 2);
});

test("a spare that a caller waits for survives the end of a burst", async () => {
  await using bench = new Bench();
  let open = () => {};
  bench.gate = new Promise((resolve) => (open = resolve));
  await bench.burst(2);
  const waiting = bench.burst(1);
  const ended = bench.spares.end();
  open();
  assert.deepEqual(await waiting, ["a0"]);
  await ended;
});

test("the end of the daemon gives up a spare that a caller waits for", async () => {
  await using bench = new Bench();
  bench.gate = new Promise(() => {});
  await bench.burst(2);
  const waiting = bench.burst(1);
  await bench.spares.close();
  assert.deepEqual(await waiting, [null]);
});

test("a caller that needs room gets that of a spare that is being made, unless another caller waits for that one", async () => {
  await using bench = new Bench();
  bench.budget = new Budget({ ...noCeilings, vms: 1 }, async () => 0);
  let open = () => {};
  const closed = new Promise<void>((resolve) => (open = resolve));
  bench.gate = closed;
  await bench.burst(2);
  await until("a spare in the making", async () => !bench.budget.fits(share));
  const release = await bench.spares.whileGivenBack(() => bench.budget.take(share));
  assert.deepEqual([bench.spares.counts(), bench.made.length], [[], 1]);
  release();
  await bench.burst(1);
  assert.equal(bench.made.length, 2);
  const waiting = bench.burst(1);
  await bench.spares.whileGivenBack(async () => {});
  open();
  assert.deepEqual(await waiting, ["a1"]);
});

test("the room for further VMs includes that of the spares, which are removed only if it is needed", async () => {
  await using bench = new Bench();
  bench.budget = new Budget({ ...noCeilings, vms: 2 }, async () => 0);
  await bench.burst(1);
  await bench.burst(1);
  await until("a spare", async () => bench.ready() === 1);
  const backend = { countMemoryMib: async () => 1 };
  const shape = { vcpuCount: 1, memMib: 1, diskMib: 1, network: false };
  const room = { budget: bench.budget, freeMemory: <T>(work: () => Promise<T>) => bench.spares.whileGivenBack(work) };
  assert.equal((await countRoom(backend, { shape, wanted: 1 }, room)).room, 1);
  assert.equal(bench.ready(), 1);
  assert.equal((await countRoom(backend, { shape, wanted: 2 }, room)).room, 2);
});

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { Machine } from "../src/backend/backend.js";
import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { wake } from "../src/guest/wake.js";
import { diskUsageBytes } from "../src/host/disk.js";
import type { Home } from "../src/host/home.js";
import { openBackend } from "./backend.js";
import { rounds } from "./rounds.js";

const ROUNDS = rounds(15);
const AT_ONCE = 10;
const SHAPE = { vcpuCount: 1, memMib: 1024, diskMib: 10_240, network: false };
const MIB = 1_048_576;
const CHANGE =
  "mount -t tmpfs none /mnt && head -c 46M /dev/urandom >/mnt/memory && head -c 20M /dev/urandom >/workspace/disk";

/** Snapshots of a VM that has changed about 50 MiB of memory and 20 MiB of disk, in turn with clones of its template. */
export async function benchSnapshots(home: Home): Promise<Table[]> {
  const { backend, environment, release } = await openBackend(home);
  const { signal } = new AbortController();
  const options = { signal, onProgress: () => {}, persistent: false, network: null };
  const parent = await backend.start("vm-bench-parent", environment, SHAPE, options);
  await wake(parent.channel, "parent");
  await runForExit(parent.channel, CHANGE);

  const take = async (name: string) => {
    const directory = join(home.path, `bench-${name}`);
    mkdirSync(directory, { mode: 0o700 });
    const made = await parent.snapshot(directory, { signal });
    const saved = { directory, handle: made.handle, shape: SHAPE, environment };
    return { ...made, saved, remove: () => rmSync(directory, { recursive: true }) };
  };
  const toFirst = async (starting: Promise<Machine>) => {
    const machine = await starting;
    await wake(machine.channel, machine.id);
    await runForExit(machine.channel, "true");
    return machine;
  };
  const timeFirst = async (start: () => Promise<Machine>) => {
    const started = performance.now();
    const machine = await toFirst(start());
    const ms = performance.now() - started;
    await machine.destroy();
    return ms;
  };
  const clone = () => backend.start("vm-bench-clone", environment, SHAPE, options);

  const samples = {
    clone: [] as number[],
    pause: [] as number[],
    whole: [] as number[],
    start: [] as number[],
    fork: [] as number[],
  };
  let sizes: number[] = [];
  await timeFirst(clone);
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.clone.push(await timeFirst(clone));
    const started = performance.now();
    const snapshot = await take("one");
    const wholeMs = performance.now() - started;
    const startMs = await timeFirst(() => backend.resume("vm-bench-fork", snapshot.saved, options));
    samples.pause.push(snapshot.pauseMs);
    samples.whole.push(wholeMs);
    samples.start.push(startMs);
    samples.fork.push(wholeMs + startMs);
    sizes = [snapshot.memoryBytes, snapshot.diskBytes, await diskUsageBytes(snapshot.saved.directory)];
    snapshot.remove();
  }
  const many = await take("many");
  const forks: Machine[] = [];
  const start = async (index: number) => {
    forks.push(await toFirst(backend.resume(`vm-bench-${index}`, many.saved, options)));
  };
  const manyMs = await timeMs(() => Promise.all(Array.from({ length: AT_ONCE }, (_, index) => start(index))));
  await Promise.all(forks.map((machine) => machine.destroy()));
  many.remove();
  await parent.destroy();
  release();

  const base = median(samples.clone);
  const row = (name: string, times: readonly number[]): Cell[] => [
    name,
    times.length,
    median(times),
    quantile(times, 0.95),
    median(times) / base,
  ];
  const [memoryMib, diskMib, wholeMib] = sizes.map((bytes) => (bytes / MIB).toFixed(1));
  return [
    {
      title: "Snapshots of a VM of 1 GiB, and forks of it, in turn with clones of its template",
      columns: [column.text("what"), column.count("n"), column.ms("p50"), column.ms("p95"), column.ratio("÷ clone")],
      rows: [
        row("clone of the template, to the end of its first `true`", samples.clone),
        row("pause of the VM", samples.pause),
        row("snapshot, with the pause", samples.whole),
        row("start from the snapshot, to the end of its first `true`", samples.start),
        row("fork: snapshot and start", samples.fork),
        row(`${AT_ONCE} forks of one snapshot at once, all`, [manyMs]),
      ],
      notes: [
        `The VM had changed ${memoryMib} MiB of memory and ${diskMib} MiB of disk; the snapshot took ${wholeMib} MiB.`,
      ],
    },
  ];
}

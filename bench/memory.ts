import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { column, type Table } from "../src/bench/table.js";
import { openClient, type Client } from "../src/client/client.js";
import { readCommandLine } from "../src/host/process.js";
import type { BenchHome } from "./home.js";

const CLONES = 10;
const MEM_MIB = 1024;
const SETTLE_MS = 2_000;
const SPARE_DEADLINE_MS = 40_000;
const POLL_MS = 200;

/** The host memory that idle clones take. A spare that the daemon makes meanwhile counts as one more clone. */
export async function benchMemory({ env }: BenchHome): Promise<Table[]> {
  const client = openClient(env);
  await untilNoSpare(client);
  const { pid } = await client.call("daemon.status", {});
  const before = availableMib();
  const controller = new AbortController();
  const idle = Array.from({ length: CLONES }, () => startIdle(client, controller.signal));
  try {
    await Promise.all(idle.map(({ ready }) => ready));
    await sleep(SETTLE_MS);
    const after = availableMib();
    const parts = descendants(pid ?? 0).map((process) => ({ isQemu: isQemu(process), pssMib: readPssMib(process) }));
    const count = parts.filter((part) => part.isQemu).length;
    if (count < CLONES) throw new Error(`${CLONES} clones idle, but ${count} QEMU processes were found`);
    const sum = (ofQemu: boolean) =>
      parts.reduce((mib, { isQemu, pssMib }) => (isQemu === ofQemu ? mib + pssMib : mib), 0);
    const row = (name: string, mib: number) => [name, mib, mib / count];
    return [
      {
        title: `Memory of ${count} idle VMs of ${MEM_MIB} MiB`,
        columns: [column.text("what"), column.mib("all"), column.mib("each")],
        rows: [
          row("QEMU processes, Pss", sum(true)),
          row("bubblewrap around them, Pss", sum(false)),
          row("what the host has less available (MemAvailable)", before - after),
        ],
      },
    ];
  } finally {
    controller.abort();
    await Promise.allSettled(idle.map(({ call }) => call));
  }
}

/** A VM whose command prints a line and then sleeps until it is cancelled. */
function startIdle(client: Client, signal: AbortSignal): { ready: Promise<void>; call: Promise<unknown> } {
  let onReady = () => {};
  const started = new Promise<void>((resolve) => (onReady = resolve));
  const call = client.call(
    "vm.run",
    { environment: "debian:12", command: "echo ready; sleep 60", mem_mib: MEM_MIB, timeout_seconds: 90 },
    { signal, onEvent: ({ event }) => (event === "stdout" ? onReady() : undefined) },
  );
  const ready = Promise.race([started, call.then(() => {})]);
  return { ready, call };
}

/** A spare of earlier commands would be in the figure before and not after. */
async function untilNoSpare(client: Client): Promise<void> {
  for (let left = SPARE_DEADLINE_MS; left > 0; left -= POLL_MS) {
    if ((await client.call("daemon.status", {})).spare_vms === 0) return;
    await sleep(POLL_MS);
  }
  throw new Error("the daemon keeps its spare VM");
}

function availableMib(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) / 1024;
}

function isQemu(pid: number): boolean {
  return readCommandLine(pid)[0]?.includes("qemu-system") ?? false;
}

/** All descendants of a process. */
function descendants(ancestor: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === ancestor || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

function readPssMib(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
}

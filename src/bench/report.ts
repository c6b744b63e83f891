import { cpus, loadavg, totalmem } from "node:os";

import type { Client } from "../client/client.js";
import { readContract } from "../contract/rendered.js";
import type { Table } from "./table.js";

/** A part of a benchmark: what it measured, how long it took, and how busy the host was meanwhile. */
export interface Section {
  readonly name: string;
  readonly seconds: number;
  /** The host's load of the last minute when the part began, and when it ended. */
  readonly load: readonly [number, number];
  readonly tables: readonly Table[];
}

export interface Conditions {
  readonly pyro: string;
  readonly node: string;
  readonly processors: number;
  readonly processor: string;
  readonly memory_mib: number;
  readonly accelerator: string | null;
  readonly qemu: string | null;
  readonly load: number;
}

/** One run of a benchmark, as it is written to JSON. */
export interface Report {
  readonly format: 1;
  readonly conditions: Conditions;
  readonly sections: readonly Section[];
}

export async function readConditions(client: Client): Promise<Conditions> {
  const { accelerator } = await client.call("doctor", {});
  const { qemu_version } = await client.call("toolchain.status", {});
  return {
    pyro: readContract().version,
    node: process.versions.node,
    processors: cpus().length,
    processor: cpus()[0]?.model ?? "",
    memory_mib: Math.round(totalmem() / 2 ** 20),
    accelerator: accelerator.in_use,
    qemu: qemu_version,
    load: readLoad(),
  };
}

export function renderConditions(conditions: Conditions): string {
  const { pyro, node, processors, processor, memory_mib, accelerator, qemu, load } = conditions;
  const host = `${processors} processors (${processor}), ${Math.round(memory_mib / 1024)} GiB`;
  return `pyro ${pyro} on ${host}, QEMU ${qemu ?? "unknown"} with ${accelerator ?? "no accelerator yet"}, Node.js ${node}, load ${load} at the start.`;
}

/** The tables of a part of a benchmark with its time and the load beside them. */
export async function measureSection(name: string, work: () => Promise<readonly Table[]>): Promise<Section> {
  const before = readLoad();
  const startedMs = performance.now();
  const tables = await work();
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return { name, seconds, load: [before, readLoad()], tables };
}

export function renderCircumstances({ seconds, load: [before, after] }: Section): string {
  return `${Math.round(seconds)} s, load ${before} at its start and ${after} at its end.`;
}

/** The host's load of the last minute. */
export function readLoad(): number {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

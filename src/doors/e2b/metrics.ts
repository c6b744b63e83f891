import type { GuestProgram } from "./guest-program.js";
import type { GuestLine } from "./line-program.js";

/** Use of a sandbox at one moment, as the control API has it. */
export interface Metric {
  readonly timestamp: string;
  readonly timestampUnix: number;
  readonly cpuCount: number;
  readonly cpuUsedPct: number;
  readonly memUsed: number;
  readonly memTotal: number;
  readonly memCache: number;
  readonly diskUsed: number;
  readonly diskTotal: number;
}

const MAX_SAMPLES = 720;
/** Requests within this time get the sample of the first. */
const FRESH_MS = 1_000;

/** Samples of a sandbox's use, taken when a client asks: nothing is measured in sandboxes that no client looks at. */
export class Metrics {
  readonly #guest: GuestProgram;
  readonly #samples: Metric[] = [];
  #ticks = { total: 0, idle: 0 };
  #sampling: Promise<void> | null = null;

  constructor(guest: GuestProgram) {
    this.#guest = guest;
  }

  /** Takes a sample unless a fresh one exists, and returns those from `startMs` to `endMs`. */
  async read(startMs: number, endMs: number): Promise<readonly Metric[]> {
    const last = this.#samples.at(-1);
    if (!last || Date.now() - Date.parse(last.timestamp) >= FRESH_MS) {
      await (this.#sampling ??= this.#sample().finally(() => (this.#sampling = null)));
    }
    // Clients ask with whole seconds.
    return this.#samples.filter(
      ({ timestampUnix }) => timestampUnix * 1000 >= startMs && timestampUnix * 1000 <= endMs,
    );
  }

  async #sample(): Promise<void> {
    const [line] = await this.#guest.ask("metrics");
    if (!line) return;
    const now = new Date();
    this.#samples.push({
      timestamp: now.toISOString(),
      timestampUnix: Math.floor(now.getTime() / 1000),
      cpuCount: count(line, "cpu_count"),
      cpuUsedPct: this.#usedPct(line),
      memUsed: count(line, "mem_used"),
      memTotal: count(line, "mem_total"),
      memCache: count(line, "mem_cache"),
      diskUsed: count(line, "disk_used"),
      diskTotal: count(line, "disk_total"),
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
  }

  /** Of all processors together, since the sample before; since the boot at first. */
  #usedPct(line: GuestLine): number {
    const [total, idle] = [count(line, "cpu_total"), count(line, "cpu_idle")];
    const ticks = total - this.#ticks.total;
    const used = ticks <= 0 ? 0 : 1 - (idle - this.#ticks.idle) / ticks;
    this.#ticks = { total, idle };
    return Math.round(Math.min(Math.max(used, 0), 1) * 10_000) / 100;
  }
}

function count(line: GuestLine, name: string): number {
  return typeof line[name] === "number" ? line[name] : 0;
}

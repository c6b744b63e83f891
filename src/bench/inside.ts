import { median, timeMs } from "./numbers.js";
import type { Place } from "./places.js";
import { column, type Cell, type Table } from "./table.js";
import type { Workload } from "./workloads.js";

/** The others are compared with the first place. */
export interface InsideOptions {
  readonly title: string;
  readonly places: readonly Place[];
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly signal?: AbortSignal;
  readonly onWorkload?: (name: string) => void;
}

/** The same work in each place, in turn. A workload whose programs a place does not have is left out. */
export async function measureInside(options: InsideOptions): Promise<Table> {
  const { title, places, workloads, rounds, signal, onWorkload } = options;
  const [base, ...others] = places;
  const rows: Cell[][] = [];
  const missing: string[] = [];
  for (const workload of workloads) {
    signal?.throwIfAborted();
    onWorkload?.(workload.name);
    if (!(await hasPrograms(workload, places))) {
      missing.push(workload.name);
      continue;
    }
    const medians = (await measureInTurn(workload, places, Math.min(rounds, workload.maxRounds))).map(median);
    const [host, ...rest] = medians;
    rows.push([workload.name, ...medians, ...rest.map((each) => each / host!)]);
  }
  return {
    title,
    columns: [
      column.text("what"),
      ...places.map(({ name }) => column.ms(name)),
      ...others.map(({ name }) => column.ratio(`${name} ÷ ${base?.name}`)),
    ],
    rows,
    notes: missing.length > 0 ? [`A place lacks the programs of: ${missing.join(", ")}.`] : [],
  };
}

async function hasPrograms({ needs }: Workload, places: readonly Place[]): Promise<boolean> {
  const line = ["true", ...needs.map((program) => `test -x ${program}`)].join(" && ");
  try {
    for (const place of places) await place.run(line);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds of each round, for each place. */
async function measureInTurn(workload: Workload, places: readonly Place[], rounds: number): Promise<number[][]> {
  const times = places.map((): number[] => []);
  for (const place of places) await place.run(`true; ${workload.prepare}`);
  for (let round = 0; round < rounds; round++) {
    for (const [index, place] of places.entries()) {
      if (workload.before) await place.run(workload.before);
      times[index]?.push(await timeMs(() => place.run(workload.run)));
    }
  }
  return times;
}

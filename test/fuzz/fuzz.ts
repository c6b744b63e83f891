import { createHash } from "node:crypto";

import { streamOf } from "../seed.js";
import { Choices, mutate } from "./mutate.js";
import type { FuzzTarget } from "./target.js";
import { Watchdog } from "./watchdog.js";

const MAX_BYTES = 8_192;
/** Inputs with an outcome of their own that are changed further. */
const MOST_KEPT = 400;
/** The processor time of so many inputs is measured at once: to ask for it takes longer than most inputs. */
const MEASURED = 64;

export interface FuzzRun {
  readonly seed: number;
  readonly until: (done: number) => boolean;
  /** Inputs of earlier runs. */
  readonly kept?: readonly Buffer[];
}

export interface FuzzReport {
  readonly runs: number;
  readonly outcomes: number;
  /** Inputs with an outcome that none before had. */
  readonly kept: readonly Buffer[];
  /** Processor time of all inputs, and of the slowest 64 in a row. */
  readonly cpuMs: number;
  readonly slowestCpuMs: number;
}

/** An input that makes a parser break a promise. */
export class FuzzFailure extends Error {
  readonly input: Buffer;

  constructor(target: FuzzTarget, seed: number, number: number, input: Buffer, cause: unknown) {
    const how = `target ${target.name}, seed ${seed}, input ${number}, in base64 (FUZZ_INPUT repeats it): ${input.toString("base64")}`;
    super(`${how}\n${String(cause)}`, { cause });
    this.input = input;
  }
}

/** Feeds a parser with its seeds, with inputs of earlier runs, and with inputs that are made from both. Throws FuzzFailure. */
export async function fuzz(target: FuzzTarget, { seed, until, kept = [] }: FuzzRun): Promise<FuzzReport> {
  const pick = new Choices(streamOf(seed ^ createHash("sha256").update(target.name).digest().readUInt32LE()));
  const words = (target.words ?? []).map((word) => Buffer.from(word as string));
  const given = [...target.seeds, ...kept];
  const material = { pick, words, others: [...given] };
  const outcomes = new Set<string>();
  const fresh: Buffer[] = [];
  const begun = process.cpuUsage();
  let [runs, slowestCpuMs, before] = [0, 0, begun];
  using watchdog = new Watchdog(target.name);
  for (; runs < given.length || !until(runs); runs += 1) {
    const input = given[runs] ?? mutate(pick.of(material.others), material, target.maxBytes ?? MAX_BYTES);
    watchdog.begin(input);
    const outcome = await runOne(target, input, (cause) => new FuzzFailure(target, seed, runs, input, cause));
    if (runs % MEASURED === 0) {
      slowestCpuMs = Math.max(slowestCpuMs, cpuMsSince(before));
      before = process.cpuUsage();
    }
    if (outcomes.has(outcome)) continue;
    outcomes.add(outcome);
    if (runs < given.length || material.others.length >= MOST_KEPT) continue;
    // A copy: an input may be a part of a larger one.
    fresh.push(Buffer.from(input));
    material.others.push(fresh.at(-1)!);
  }
  return { runs, outcomes: outcomes.size, kept: fresh, cpuMs: cpuMsSince(begun), slowestCpuMs };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Calls a parser directly when it is not asynchronous, so that a run takes no turn of the event loop. */
async function runOne(target: FuzzTarget, input: Buffer, fail: (cause: unknown) => FuzzFailure): Promise<string> {
  try {
    // A copy of exactly its size.
    const outcome = target.run(Buffer.from(input));
    return typeof outcome === "string" ? outcome : await outcome;
  } catch (error) {
    throw fail(error);
  }
}

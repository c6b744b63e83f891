import { seed } from "../seed.js";
import { readCorpus, writeCorpus } from "./corpus.js";
import { fuzz } from "./fuzz.js";
import { targets } from "./targets.js";

const DEFAULT_SECONDS = 60;

/**
 * Feeds every parser, or those that FUZZ_TARGETS names, with FUZZ_RUNS inputs each, or for its share of FUZZ_SECONDS. FUZZ_INPUT, in base64,
 * is fed alone. FUZZ_KEEP=1 keeps the inputs that show something new in test/fuzz/corpus. Ends at the first input that breaks a promise.
 */
async function main(): Promise<void> {
  const { FUZZ_TARGETS, FUZZ_RUNS, FUZZ_SECONDS, FUZZ_INPUT, FUZZ_KEEP } = process.env;
  const names = FUZZ_TARGETS?.split(",");
  const chosen = targets.filter(({ name }) => names?.includes(name) ?? true);
  if (chosen.length < (names?.length ?? 1))
    throw new Error(`The targets are: ${targets.map(({ name }) => name).join()}.`);
  const shareMs = (Number(FUZZ_SECONDS || DEFAULT_SECONDS) * 1_000) / chosen.length;
  // FUZZ_INPUT shows where an error comes from; the others are quicker without.
  if (FUZZ_INPUT === undefined) Error.stackTraceLimit = 0;
  for (const target of chosen) {
    if (FUZZ_INPUT !== undefined) {
      process.stdout.write(`${target.name}: ${await target.run(Buffer.from(FUZZ_INPUT, "base64"))}\n`);
      continue;
    }
    const started = performance.now();
    const until = FUZZ_RUNS
      ? (done: number) => done >= Number(FUZZ_RUNS)
      : (done: number) => done % 64 === 0 && performance.now() - started > shareMs;
    const { runs, outcomes, kept, cpuMs, slowestCpuMs } = await fuzz(target, {
      seed,
      until,
      kept: readCorpus(target.name),
    });
    if (FUZZ_KEEP === "1") writeCorpus(target.name, kept);
    const seconds = (performance.now() - started) / 1_000;
    const figures = `${runs} inputs, ${outcomes} outcomes, ${kept.length} new, ${((runs / cpuMs) * 1_000).toFixed(0)} for a second of CPU`;
    const slowest = `the slowest 64 took ${slowestCpuMs.toFixed(0)} ms of CPU`;
    process.stdout.write(`${target.name}: ${figures}, ${slowest}, ${seconds.toFixed(0)} s, seed ${seed}\n`);
  }
}

await main();

import { reportFailure } from "./failure.js";
import type { OtherDoors } from "./perform-own.js";
import { perform } from "./perform.js";
import { finishStreams, takeStreams, watchStreams, type Print } from "./streams.js";

/** Performs the command line and exits. What this module imports is one file, dist/src/start.cjs; what few commands need is loaded on demand. */
export async function runCli(argv: readonly string[], doors: OtherDoors): Promise<never> {
  watchStreams();
  const separator = argv.indexOf("--");
  const json = (separator === -1 ? argv : argv.slice(0, separator)).includes("--json");
  const fail = (error: unknown, print?: Print) => reportFailure(error, json, print);
  let crashing: Promise<never> | null = null;
  const crash = (thrown: unknown) => {
    if (crashing) return;
    // The command runs until the process exits; its output would mix with the report.
    const print = takeStreams();
    crashing = fail(thrown, print).then(exit, () => endBroken(thrown, print));
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  const status = await perform(argv, doors).catch(fail);
  return crashing ?? exit(status);
}

/** For a damaged installation, which lacks a file that the report of an error needs. */
function endBroken(error: unknown, print: Print): never {
  print("stderr", `pyro: ${error instanceof Error ? error.message : String(error)}\nhint: Install pyro again.\n`);
  process.exit(125);
}

/** The process does not wait for standard input, which may stay open for ever. */
async function exit(status: number): Promise<never> {
  process.exit(await finishStreams(status));
}

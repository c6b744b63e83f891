import type { OtherDoors } from "./perform-own.js";
import { finishStreams, takeStreams, watchStreams, type Print } from "./streams.js";

/** Performs the command line and exits. Loads only the modules that the command needs. */
export async function runCli(argv: readonly string[], doors: OtherDoors): Promise<never> {
  watchStreams();
  const separator = argv.indexOf("--");
  const json = (separator === -1 ? argv : argv.slice(0, separator)).includes("--json");
  const fail = async (error: unknown, print?: Print) => {
    const { reportFailure } = await import("./failure.js");
    return reportFailure(error, json, print);
  };
  let crashing: Promise<never> | null = null;
  const crash = (thrown: unknown) => {
    if (crashing) return;
    // The command runs until the process exits; its output would mix with the report.
    const print = takeStreams();
    crashing = fail(thrown, print).then(exit, () => endBroken(thrown, print));
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  const status = await main(argv, doors).catch(fail);
  return crashing ?? exit(status);
}

async function main(argv: readonly string[], doors: OtherDoors): Promise<number> {
  const { readContract } = await import("../../contract/rendered.js");
  const contract = readContract();
  if (argv.length === 1 && argv[0] === "--version") {
    process.stdout.write(`pyro ${contract.version}\n`);
    return 0;
  }
  const { perform } = await import("./perform.js");
  return perform(contract, argv, doors);
}

/** For a damaged installation, in which the modules that report errors cannot be loaded. */
function endBroken(error: unknown, print: Print): never {
  print("stderr", `pyro: ${error instanceof Error ? error.message : String(error)}\nhint: Install pyro again.\n`);
  process.exit(125);
}

/** The process does not wait for standard input, which may stay open for ever. */
async function exit(status: number): Promise<never> {
  process.exit(await finishStreams(status));
}

import type { OtherDoors } from "./perform-own.js";
import { finishStreams, watchStreams } from "./streams.js";

/** Runs the process: does what the command line asks for and exits. The modules of a command are loaded when it is asked for. */
export async function runCli(argv: readonly string[], doors: OtherDoors): Promise<never> {
  watchStreams();
  const separator = argv.indexOf("--");
  const json = (separator === -1 ? argv : argv.slice(0, separator)).includes("--json");
  const fail = async (error: unknown) => {
    const { reportFailure } = await import("./failure.js");
    return reportFailure(error, json);
  };
  const crash = async (thrown: unknown) => exit(await fail(thrown).catch(() => endBroken(thrown)));
  process.on("uncaughtException", (error) => void crash(error));
  process.on("unhandledRejection", (error) => void crash(error));
  return exit(await main(argv, doors).catch(fail));
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

/** For an installation from which even the files that explain an error are missing. */
function endBroken(error: unknown): never {
  process.stderr.write(`pyro: ${error instanceof Error ? error.message : String(error)}\nhint: Install pyro again.\n`);
  process.exit(125);
}

/** Standard input may stay open for ever, so the process does not wait for it. */
async function exit(status: number): Promise<never> {
  process.exit(await finishStreams(status));
}

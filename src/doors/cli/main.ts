import { readContract } from "../../contract/rendered.js";
import type { OtherDoors } from "./perform-own.js";

/** Runs the process: does what the command line asks for and exits. The modules of a command are loaded when it is asked for. */
export async function runCli(argv: readonly string[], doors: OtherDoors): Promise<never> {
  const status = await main(argv, doors);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Standard input may stay open for ever, so the process does not wait for it.
  process.exit(status);
}

async function main(argv: readonly string[], doors: OtherDoors): Promise<number> {
  const contract = readContract();
  if (argv.length === 1 && argv[0] === "--version") {
    process.stdout.write(`pyro ${contract.version}\n`);
    return 0;
  }
  try {
    const { perform } = await import("./perform.js");
    return await perform(contract, argv, doors);
  } catch (error) {
    const { reportFailure } = await import("./failure.js");
    const separator = argv.indexOf("--");
    return reportFailure(error, (separator === -1 ? argv : argv.slice(0, separator)).includes("--json"));
  }
}

/** What was written so far is with the reader, or the reader is gone. */
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()));

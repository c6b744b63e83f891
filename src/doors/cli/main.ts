import { readContract } from "../../contract/rendered.js";

/** What the process does; the modules of a command are loaded only when it is asked for. */
async function main(argv: readonly string[]): Promise<number> {
  const contract = readContract();
  if (argv.length === 1 && argv[0] === "--version") {
    process.stdout.write(`pyro ${contract.version}\n`);
    return 0;
  }
  try {
    const { perform } = await import("./perform.js");
    return await perform(contract, argv);
  } catch (error) {
    const { reportFailure } = await import("./failure.js");
    const separator = argv.indexOf("--");
    return reportFailure(error, (separator === -1 ? argv : argv.slice(0, separator)).includes("--json"));
  }
}

/** What was written so far is with the reader, or the reader is gone. */
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()));

// Standard input may stay open for ever, so the process does not wait for it.
main(process.argv.slice(2)).then(async (status) => {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  process.exit(status);
});

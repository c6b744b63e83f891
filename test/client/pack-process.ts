import { packSource } from "../../src/client/pack/pack.js";
import { PyroError } from "../../src/contract/errors.js";

/** Checks a source and prints as JSON why it cannot be packed. Root may read everything, so it becomes another user. */
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}
await packSource(process.argv[2] ?? "").then(
  () => process.stdout.write("{}"),
  (error: unknown) => process.stdout.write(JSON.stringify(PyroError.from(error).toBody())),
);

import { packSource } from "../../src/client/pack/pack.js";
import { PyroError } from "../../src/contract/errors.js";

/** Looks a source over and prints why it cannot be packed, as JSON. Root may read everything, so it becomes somebody else. */
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65_534);
  process.setuid?.(65_534);
}
await packSource(process.argv[2] ?? "").then(
  () => process.stdout.write("{}"),
  (error: unknown) => process.stdout.write(JSON.stringify(PyroError.from(error).toBody())),
);

import { PyroError } from "../../contract/errors.js";
import { removeFileSync } from "../../host/files.js";
import { openHome } from "../../host/home.js";
import { findContext, readContexts } from "../contexts/contexts.js";
import { bridgePlaceOf } from "./place.js";
import { serveBridge } from "./serve.js";

/** The life of a bridge. `flock` holds the lock of its place, so each context has one. */
async function main(name: string): Promise<void> {
  const home = openHome();
  const context = findContext(readContexts(home.path), name);
  if (context.kind !== "kubernetes") throw new PyroError("INVALID_ARGUMENT", `${name} is not a context of Kubernetes.`);
  const place = bridgePlaceOf(context, home, process.env);
  const end = () => {
    removeFileSync(place.socket);
    process.exit(0);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.on("SIGHUP", () => {});
  await serveBridge(place, end);
}

/** The waiting client reads the last line of the log to learn why the bridge did not start. */
main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${JSON.stringify(PyroError.from(error).toBody())}\n`);
  process.exit(1);
});

/** A process of its own that pulls, or only opens the cache; debian.vm.test.ts kills it. Prints one JSON line per event. */
import { PyroError } from "../../src/contract/errors.js";
import { openEnvironmentCache } from "../../src/environments/cache.js";
import { everySource } from "../../src/environments/sources.js";

const [directory = "", name] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGTERM", () => controller.abort());
const print = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`);

try {
  const cache = await openEnvironmentCache({ directory, source: everySource() });
  if (name !== undefined) {
    const { environment } = await cache.pull(name, { rebuild: false, signal: controller.signal, onProgress: print });
    print({
      rootPath: environment.rootPath,
      kernelPath: environment.kernelPath,
      initramfsPath: environment.initramfsPath,
      packages: environment.manifest.packages,
    });
  }
} catch (error) {
  print({ error: PyroError.from(error).toBody() });
  process.exitCode = 1;
}

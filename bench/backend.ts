import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { QemuBackend } from "../src/backend/qemu/qemu.js";
import { openEnvironmentCache, type InstalledEnvironment } from "../src/environments/cache.js";
import { debianSource } from "../src/environments/debian.js";
import { ControlGroups } from "../src/host/control-groups.js";
import type { Home } from "../src/host/home.js";
import { openLog } from "../src/host/log.js";

const ENVIRONMENT = "debian:12";
export const agentPath = fileURLToPath(new URL("../../guest/build/pyro-agent", import.meta.url));
export const keeperPath = fileURLToPath(new URL("../../keeper/build/pyro-keeper", import.meta.url));
const preloadPath = fileURLToPath(new URL("../../preload/build/pyro-ram.so", import.meta.url));
const pagesPath = fileURLToPath(new URL("../../keeper/build/pyro-pages", import.meta.url));
const checkpointPath = fileURLToPath(new URL("../../keeper/build/pyro-checkpoint", import.meta.url));
const restorePath = fileURLToPath(new URL("../../keeper/build/pyro-restore", import.meta.url));
const gatePath = fileURLToPath(new URL("../../gate/build/pyro-gate", import.meta.url));

interface BenchBackend {
  readonly backend: QemuBackend;
  readonly environment: InstalledEnvironment;
  /** Releases the environment. */
  readonly release: () => void;
}

/** The backend without a daemon, and an environment, which is pulled if it is missing. */
export async function openBackend(home: Home): Promise<BenchBackend> {
  const log = openLog(join(home.path, "bench.log"));
  const { signal } = new AbortController();
  const environments = await openEnvironmentCache({
    directory: join(home.path, "environments"),
    source: debianSource(),
    log,
  });
  let held = await environments.acquire(ENVIRONMENT);
  if (held === null) {
    process.stderr.write(`pulling ${ENVIRONMENT}\n`);
    await environments.pull(ENVIRONMENT, { rebuild: false, signal, onProgress: () => {} });
    held = await environments.acquire(ENVIRONMENT);
  }
  if (held === null) throw new Error(`${ENVIRONMENT} could not be pulled`);
  const joinPath = fileURLToPath(new URL("../../keeper/build/pyro-join", import.meta.url));
  const groups = ControlGroups.open({ homePath: home.path, joinPath, log });
  const shared = {
    homePath: home.path,
    runtimePath: home.runtime,
    agentPath,
    gatePath,
    keeperPath,
    preloadPath,
    pagesPath,
    checkpointPath,
    restorePath,
    groups,
  };
  const backend = await QemuBackend.open({ ...shared, preference: process.env["PYRO_ACCEL"], log });
  return { backend, ...held };
}

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { openHome, type Home } from "../src/host/home.js";

/** A home that lasts as long as the benchmark. Environments come from BENCH_HOME when it is given. */
export interface BenchHome {
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

export function openBenchHome(): BenchHome {
  const directory = mkdtempSync(join(tmpdir(), "pyro-bench-"));
  const path = join(directory, "home");
  mkdirSync(join(path, "environments"), { recursive: true, mode: 0o700 });
  const shared = process.env["BENCH_HOME"];
  if (shared) {
    for (const name of ["content", "names"]) {
      symlinkSync(resolve(shared, "environments", name), join(path, "environments", name));
    }
  }
  // Node.js reads these certificates at each start, which takes longer than the start itself. Most hosts do not set the variable.
  const { NODE_EXTRA_CA_CERTS: _certificates, ...usual } = process.env;
  const env = { ...usual, PYRO_HOME: path, XDG_RUNTIME_DIR: directory };
  return { home: openHome(env), env, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

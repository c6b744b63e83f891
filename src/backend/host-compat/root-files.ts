import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { existsSync, mkdir, rename, rm } from "../../host/files.js";
import { runTool } from "../../host/tool.js";
import type { PrepareOptions } from "../backend.js";
import { newTemporaryName } from "../../host/temporary.js";

/**
 * The files of an environment's root image as a directory, unpacked once per content.
 * debugfs reads the image without mounting it, so no privilege is needed.
 */
export async function unpackRootFiles(
  debugfs: string,
  environment: InstalledEnvironment,
  parent: string,
  { signal, onProgress }: PrepareOptions,
): Promise<string> {
  const directory = join(parent, environment.digest);
  if (existsSync(directory)) return directory;
  onProgress(`unpacking ${environment.recipe.name} for host_compat`);
  const temporary = join(parent, newTemporaryName());
  await mkdir(temporary, { mode: 0o755 });
  try {
    const { exitCode, stderr } = await runTool(debugfs, ["-R", `rdump / ${temporary}`, environment.rootPath], {
      signal,
    });
    // debugfs reports failures on standard error only. An ordinary user cannot keep owners, and needs none.
    const failure = stderr.split("\n").find((line) => /No space left|Input\/output|not found|corrupt/i.test(line));
    if (exitCode !== 0 || failure !== undefined) {
      const code = /No space left/i.test(stderr) ? "DISK_FULL" : "VM_START_FAILED";
      throw new PyroError(code, `The environment's files could not be unpacked: ${failure ?? stderr.trim()}`);
    }
    await rename(temporary, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return directory;
}

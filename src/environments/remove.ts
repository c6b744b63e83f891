import { PyroError } from "../contract/errors.js";
import { diskUsageBytes } from "../host/disk.js";
import { rename, rm } from "../host/files.js";
import type { Holds } from "./holds.js";
import { readInstallation } from "./installed.js";
import { contentPath, type Layout, namePath, newTemporaryPath } from "./layout.js";

/** Removes a name and its content. The digest is null when the name's record could not be read. */
export async function removeEnvironment(
  layout: Layout,
  holds: Holds,
  name: string,
): Promise<{ digest: string | null; freedBytes: number }> {
  const installation = await readInstallation(layout, name);
  if (installation === null) {
    throw new PyroError("ENVIRONMENT_UNKNOWN", `The environment ${name} is not installed.`, {
      hint: "`pyro env list` shows what is installed.",
      details: { environment: name },
    });
  }
  if (installation === "damaged") {
    await rm(namePath(layout, name), { recursive: true, force: true });
    return { digest: null, freedBytes: 0 };
  }
  const { digest } = installation;
  let freedBytes = 0;
  const gone = await holds.ifUnheld(digest, async () => {
    await rm(namePath(layout, name), { force: true });
    freedBytes = await removeContent(layout, digest, false);
  });
  if (gone) return { digest, freedBytes };
  throw new PyroError("FAILED_PRECONDITION", `The environment ${name} is in use.`, {
    hint: "Delete the tasks, VMs and snapshots that use it, then remove it.",
    details: { environment: name },
  });
}

/** Removes a content and returns its size in bytes. After the rename it is gone, even if removing its bytes fails. */
export async function removeContent(layout: Layout, digest: string, dryRun: boolean): Promise<number> {
  const path = contentPath(layout, digest);
  const bytes = await diskUsageBytes(path);
  if (dryRun) return bytes;
  const leaving = newTemporaryPath(layout);
  await rename(path, leaving).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rm(leaving, { recursive: true, force: true });
  return bytes;
}

import { PyroError } from "../../contract/errors.js";
import { open, truncate } from "../../host/files.js";
import { assertFreeSpace, isInMemory } from "../../host/disk.js";
import { runTool } from "../../host/tool.js";

const MIB = 1_048_576;

/**
 * Makes the file that is a VM's memory. On a disk it is sparse. On tmpfs each page that is looked at takes room, also one that was never
 * written, and a VM that finds none is killed by SIGBUS: there the whole file is allocated at once. Throws DISK_FULL when it does not fit.
 */
export async function makeMemoryFile(path: string, sizeMib: number): Promise<void> {
  const file = await open(path, "wx", 0o600);
  await file.close();
  if (!(await isInMemory(path))) return truncate(path, sizeMib * MIB);
  await assertFreeSpace(path, sizeMib, "The memory of a template on tmpfs");
  const { exitCode, stderr } = await runTool("fallocate", ["--length", String(sizeMib * MIB), path]);
  if (exitCode === 0) return;
  throw new PyroError("DISK_FULL", `The memory of a template, ${sizeMib} MiB, cannot be allocated: ${stderr.trim()}`, {
    details: { path, needed_mib: sizeMib },
  });
}

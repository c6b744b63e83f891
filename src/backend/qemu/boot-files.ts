import type { EnvironmentFiles } from "../../environments/cache.js";
import { appendToInitramfs } from "../../environments/initramfs.js";
import { chmod, copyFile, readFile, writeFile } from "../../host/files.js";

/** Writes what a VM boots: the environment's kernel, and its initramfs with the agent in it. */
export async function writeBootFiles(
  { kernelPath, initramfsPath, agentPath }: Omit<EnvironmentFiles, "rootPath"> & { readonly agentPath: string },
  to: { readonly kernel: string; readonly initramfs: string },
): Promise<void> {
  await copyFile(kernelPath, to.kernel);
  // The copy is as read-only as the original; the user that QEMU becomes reads it.
  await chmod(to.kernel, 0o644);
  const modules = await readFile(initramfsPath);
  const agent = await readFile(agentPath);
  const image = appendToInitramfs(modules, [
    ...["dev", "proc", "sys"].map((name) => ({ kind: "directory", name }) as const),
    { kind: "file", name: "init", mode: 0o755, data: agent },
  ]);
  await writeFile(to.initramfs, image);
}

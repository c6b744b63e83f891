import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The full path of a program, or null. Looks in PATH and in the system directories that PATH may lack. */
export async function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const path = [env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter);
  for (const directory of path.split(delimiter)) {
    if (directory === "") continue;
    const candidate = join(directory, name);
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  return null;
}

import { delimiter, join, relative } from "node:path";

import { realpath } from "../host/files.js";

/**
 * How the user calls this pyro: `pyro` if that is in the PATH, else the path of the executable, such as `bin/pyro` in a checkout.
 * `executable` is an absolute path.
 */
export async function findOwnName(executable: string, env: NodeJS.ProcessEnv, cwd: string): Promise<string> {
  const own = await follow(executable);
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = await Promise.all(folders.map((folder) => follow(join(folder, "pyro"))));
  if (own === null || found.includes(own)) return "pyro";
  const path = relative(cwd, executable);
  if (path.startsWith("..")) return executable;
  return path.includes("/") ? path : `./${path}`;
}

async function follow(path: string): Promise<string | null> {
  return realpath(path).catch(() => null);
}

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { endOf, type Ended } from "../client/scratch.js";

export const pythonPath = fileURLToPath(new URL("../../../python", import.meta.url));

/** Runs Python with the client of this checkout. */
export function python(args: readonly string[], env: NodeJS.ProcessEnv, input = ""): Promise<Ended> {
  const fixed = { PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", args, { cwd: pythonPath, env: { ...process.env, ...env, ...fixed } });
  child.stdin.end(input);
  return endOf(child);
}

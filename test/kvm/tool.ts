import { runTool } from "../../src/host/tool.js";

/** Runs a program to its end; throws with the end of what it said when it fails or the signal aborts. */
export async function run(words: readonly string[], signal: AbortSignal, env = process.env): Promise<string> {
  const [program = "", ...args] = words;
  const { exitCode, stdout, stderr } = await runTool(program, args, { signal, env });
  if (exitCode !== 0) throw new Error(`${program} ended with status ${exitCode}: ${stderr.trim().slice(-800)}`);
  return stdout;
}

/** Words before a command that make its files root's without being root. */
export function asRoot(options: readonly string[]): string[] {
  return process.getuid?.() === 0 ? [] : ["unshare", "--map-root-user", ...options];
}

import { runTool } from "../../src/host/tool.js";

/** Runs a program to its end. When it fails or the signal aborts, throws with the end of its output. */
export async function run(words: readonly string[], signal: AbortSignal, env = process.env): Promise<string> {
  const [program = "", ...args] = words;
  const { exitCode, stdout, stderr } = await runTool(program, args, { signal, env });
  if (exitCode !== 0) throw new Error(`${program} ended with status ${exitCode}: ${stderr.trim().slice(-800)}`);
  return stdout;
}

/** The command prefix that makes a command's files root's without being root. */
export function asRoot(options: readonly string[]): string[] {
  return process.getuid?.() === 0 ? [] : ["unshare", "--map-root-user", ...options];
}

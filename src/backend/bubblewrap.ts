import { runTool } from "../host/tool.js";

/** Whether a bubblewrap can limit a file system in memory, as 0.7 and later can. */
export async function limitsFilesInMemory(path: string): Promise<boolean> {
  const { stdout } = await runTool(path, ["--version"], { timeoutMs: 10_000 });
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) > 0 || Number(minor) >= 7;
}

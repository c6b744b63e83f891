import { delimiter } from "node:path";

import { runTool, type ToolOptions, type ToolResult } from "../../host/tool.js";

export function isPrivileged(): boolean {
  return process.geteuid?.() === 0;
}

/** Runs a tool of the host with messages in English and the system directories in its path. */
export function runCommand(
  command: readonly string[],
  options: ToolOptions & { readonly temporaryDirectory?: string } = {},
): Promise<ToolResult> {
  const [program = "", ...args] = command;
  const { temporaryDirectory, env: more, ...rest } = options;
  const path = [process.env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter);
  const env = {
    ...process.env,
    PATH: path,
    LC_ALL: "C.UTF-8",
    ...(temporaryDirectory === undefined ? {} : { TMPDIR: temporaryDirectory }),
    ...more,
  };
  return runTool(program, args, { ...rest, env });
}

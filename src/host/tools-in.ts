import { endGroup, listCommandLines } from "./process.js";

const END_DEADLINE_MS = 10_000;

/** Processes whose command line names a path beneath a directory: a jail that shows it, or a tool that works there. */
export function processesIn(path: string): number[] {
  const names = (argument: string) => argument.includes(`${path}/`);
  return listCommandLines().flatMap(({ pid, args }) => (args.some(names) ? [pid] : []));
}

/** Ends the tools that a killed daemon left running in a directory, each with its process group. */
export async function endToolsIn(path: string): Promise<void> {
  for (const pid of processesIn(path)) await endGroup(pid, END_DEADLINE_MS);
}

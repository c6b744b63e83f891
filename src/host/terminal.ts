import { readFileSync } from "node:fs";
import { isatty } from "node:tty";

const STDIN = 0;

/** True when standard input is a terminal. */
export function isTerminalInput(): boolean {
  return isatty(STDIN);
}

/** False when a read from its terminal would stop this process, as it does for a background job of a shell. */
export function isForeground(): boolean {
  const stat = readFileSync("/proc/self/stat", "latin1");
  // The program's name ends at the last parenthesis; it may contain spaces and parentheses itself.
  const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return terminal === "0" || group === foreground;
}

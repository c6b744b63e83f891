import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";

import { isForeground } from "./terminal.js";

/**
 * Makes the terminal of standard input raw: keys arrive as they are typed, without an echo, and output is not converted. Returns a
 * function that undoes that. Node.js undoes it too when this process exits.
 */
export function enterRawMode(): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  // Node.js leaves newlines of the output converted, which moves the cursor of full-screen programs.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  return () => stdin.setRawMode(false);
}

/** Drops all typed bytes that were not read, half a line included. */
export function drainTerminalInput(): void {
  const { stdin } = process;
  if (!stdin.isTTY || !isForeground()) return;
  stdin.pause();
  // In raw mode only, a terminal returns half a line.
  stdin.setRawMode(true);
  // Opened again, so that the flag does not apply to every process on this terminal.
  const file = openSync("/proc/self/fd/0", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const buffer = Buffer.alloc(4096);
    while (readSync(file, buffer) > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  } finally {
    closeSync(file);
    stdin.setRawMode(false);
  }
}

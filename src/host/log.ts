import { lstatSync, renameSync } from "node:fs";

import { pino, type Logger } from "pino";

import { openAppendingSync } from "./files.js";

/** A structured log, one JSON object a line. */
export type Log = Logger;

const ROTATE_BYTES = 5 * 1024 * 1024;

/** Opens the log; one that has grown large becomes `….1` first. If the disk is full, lines are lost. */
export function openLog(path: string): Log {
  rotate(path);
  const destination = pino.destination({ dest: openAppendingSync(path), sync: true });
  destination.on("error", () => {});
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

function rotate(path: string): void {
  const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > ROTATE_BYTES) renameSync(path, `${path}.1`);
}

import { openSync, writeSync } from "node:fs";

import { checks } from "./checks.js";
import { inVm } from "./payload.js";
import type { Report } from "./report.js";

/** Runs in the outer VM, as its only work: each check in turn, with a report on a serial port of its own. */
const LIMIT_MS = 600_000;

const port = openSync(inVm.report, "w");
const report = (line: Report) => writeSync(port, `${JSON.stringify(line)}\n`);

for (const { title, check } of checks) {
  const started = performance.now();
  report({ kind: "start", title });
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`not over after ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  try {
    const note = await check(limit.signal);
    report({ kind: "ok", title, note, ms: performance.now() - started });
  } catch (error) {
    report({ kind: "failed", title, note: String(error), ms: performance.now() - started });
  } finally {
    clearTimeout(timer);
  }
}
report({ kind: "end" });

import { printable } from "./printable.js";

/** One report of a long call. */
interface ProgressReport {
  readonly phase: string;
  readonly message: string;
  readonly fraction?: number;
}

/** Shows the progress of a call on standard error. */
export interface Progress {
  show(report: ProgressReport): void;
  /** Clears the live line, before other text and at the end. */
  clear(): void;
}

/** The phases in which files are read, sent and received. */
const TRANSFERS: ReadonlySet<string> = new Set(["scan", "import", "receive"]);
const CLEAR_LINE = "\r\x1b[2K";
/** Shorter calls show no progress. */
const PATIENCE_MS = 300;

/** Delay before a usually fast command reports that it builds or first boots an environment. */
const PHASES_AFTER_MS = 2_000;

interface ProgressOptions {
  /** Prefix of each line when standard error is not a terminal. Null for no lines. */
  readonly prefix: string | null;
  /** True for a command whose lines begin only after two seconds. */
  readonly isPatient?: boolean;
  /** False when the name is not an environment's; then lines show only the phase. */
  readonly isEnvironment?: boolean;
}

/** On a terminal, shows one live line; elsewhere one line per phase, if there is a prefix. */
export function openProgress(
  name: string,
  { prefix, isPatient = false, isEnvironment = true }: ProgressOptions,
): Progress {
  if (process.stderr.isTTY) return openLiveLine(name);
  if (prefix === null) return { show() {}, clear() {} };
  return openPhaseLines(isEnvironment ? ` environment=${name}` : "", prefix, isPatient ? PHASES_AFTER_MS : 0);
}

/** Shorter calls print no lines. */
const LINES_AFTER_MS = 1_000;
/** Interval between lines. */
const LINE_MS = 5_000;

/** The same for transferred bytes. If standard error is not a terminal, prints a line at intervals. */
export function openTransferProgress(source: string, prefix: string): Progress {
  return process.stderr.isTTY ? openLiveLine(source) : openTransferLines(prefix);
}

/** Shows phases and transferred bytes, for a task that is created and then filled. */
export function openCreateProgress(environment: string, prefix: string): Progress {
  if (process.stderr.isTTY) return openLiveLine(environment);
  const phases = openPhaseLines(` environment=${environment}`, prefix, PHASES_AFTER_MS);
  const transfer = openTransferLines(prefix);
  return {
    show: (report) => (TRANSFERS.has(report.phase) ? transfer : phases).show(report),
    clear: () => phases.clear(),
  };
}

function openTransferLines(prefix: string): Progress {
  let nextMs = performance.now() + LINES_AFTER_MS;
  return {
    show({ phase, message, fraction }) {
      if (!TRANSFERS.has(phase) || performance.now() < nextMs) return;
      nextMs = performance.now() + LINE_MS;
      const percent = fraction === undefined ? "" : ` (${Math.floor(fraction * 100)} %)`;
      process.stderr.write(`[${prefix}] ${printable(message)}${percent}\n`);
    },
    clear() {},
  };
}

function openLiveLine(environment: string): Progress {
  const startedMs = performance.now();
  let isShown = false;
  return {
    show({ message, fraction }) {
      if (performance.now() - startedMs < PATIENCE_MS) return;
      const percent = fraction === undefined ? "" : ` ${String(Math.floor(fraction * 100)).padStart(3)} %`;
      const text = `${environment}${percent}  ${message}`.replaceAll(/\p{Cc}/gu, " ");
      process.stderr.write(`${CLEAR_LINE}${text.slice(0, (process.stderr.columns || 80) - 1)}`);
      isShown = true;
    },
    clear() {
      if (isShown) process.stderr.write(CLEAR_LINE);
      isShown = false;
    },
  };
}

function openPhaseLines(ending: string, prefix: string, afterMs: number): Progress {
  const startedMs = performance.now();
  let phase = "";
  let printedPhase = "";
  let timer: NodeJS.Timeout | undefined;
  const print = () => {
    if (phase !== printedPhase) process.stderr.write(`[${prefix}] phase=${phase}${ending}\n`);
    printedPhase = phase;
  };
  return {
    show(report) {
      phase = report.phase;
      const leftMs = afterMs - (performance.now() - startedMs);
      if (leftMs <= 0) print();
      else timer ??= setTimeout(print, leftMs).unref();
    },
    clear: () => clearTimeout(timer),
  };
}

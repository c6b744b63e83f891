import { printable } from "./printable.js";

/** One report of a long call. */
interface ProgressReport {
  readonly phase: string;
  readonly message: string;
  readonly fraction?: number;
}

/** Shows how far a call is, on standard error. */
export interface Progress {
  show(report: ProgressReport): void;
  /** Takes the live line away, before other text and at the end. */
  clear(): void;
}

/** The phases in which a source is read and sent. */
const TRANSFERS: ReadonlySet<string> = new Set(["scan", "import"]);
const CLEAR_LINE = "\r\x1b[2K";
/** What is over sooner needs no progress. */
const PATIENCE_MS = 300;

/** How long a command that mostly ends at once may print nothing while it builds an environment or boots one for the first time. */
const PHASES_AFTER_MS = 2_000;

interface ProgressOptions {
  /** Elsewhere than on a terminal: the head of each line. Null for no lines. */
  readonly prefix: string | null;
  /** True for a command whose point is not the preparation: its lines begin after two seconds. */
  readonly isPatient?: boolean;
  /** False when the name is not that of an environment: lines have the phase only. */
  readonly isEnvironment?: boolean;
}

/** On a terminal one live line; elsewhere one line a phase, if a prefix is given. */
export function openProgress(
  name: string,
  { prefix, isPatient = false, isEnvironment = true }: ProgressOptions,
): Progress {
  if (process.stderr.isTTY) return openLiveLine(name);
  if (prefix === null) return { show() {}, clear() {} };
  return openPhaseLines(isEnvironment ? ` environment=${name}` : "", prefix, isPatient ? PHASES_AFTER_MS : 0);
}

/** What is over sooner prints no lines. */
const LINES_AFTER_MS = 1_000;
/** The time from one line to the next. */
const LINE_MS = 5_000;

/** The same for bytes on their way: elsewhere than on a terminal a line now and then says how far they are. */
export function openTransferProgress(source: string, prefix: string): Progress {
  return process.stderr.isTTY ? openLiveLine(source) : openTransferLines(prefix);
}

/** Both, for a task that is made and then filled. */
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

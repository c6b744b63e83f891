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

const CLEAR_LINE = "\r\x1b[2K";
/** What is over sooner needs no progress. */
const PATIENCE_MS = 300;

/** On a terminal one live line; elsewhere one line a phase, if a prefix is given. */
export function openProgress(environment: string, prefix: string | null): Progress {
  if (process.stderr.isTTY) return openLiveLine(environment);
  return prefix === null ? { show() {}, clear() {} } : openPhaseLines(environment, prefix);
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

function openPhaseLines(environment: string, prefix: string): Progress {
  let lastPhase = "";
  return {
    show({ phase }) {
      if (phase !== lastPhase) process.stderr.write(`[${prefix}] phase=${phase} environment=${environment}\n`);
      lastPhase = phase;
    },
    clear() {},
  };
}

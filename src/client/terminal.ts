import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { TerminalSize } from "../contract/terminal.js";
import { enterRawMode } from "../host/raw-terminal.js";
import { isTerminalInput } from "../host/terminal.js";
import { PrivateModes } from "./private-modes.js";

/** A terminal whose keys, size and screen belong to a command. */
export interface ClientTerminal {
  size(): TerminalSize;
  /** Calls back with each new size. Returns a function that stops that. */
  onResize(listener: (size: TerminalSize) => void): () => void;
}

/** This process's terminal. */
export interface OwnTerminal extends ClientTerminal {
  /** The typed bytes. The terminal is raw from the first read on. A second reader, after a broken connection, takes them from the first. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Aborted when the terminal has hung up. */
  readonly hungUp: AbortSignal;
  /** Takes in output before it is written. */
  add(bytes: Uint8Array): void;
  /** Restores the terminal. May be called again. */
  close(): void;
}

/** Pieces of typed keys that are buffered; with more, this process stops reading. */
const MAX_PIECES = 16;

/** Opens this process's terminal. Throws INVALID_ARGUMENT when standard input is not a terminal. */
export function openTerminal(): OwnTerminal {
  if (!isTerminalInput()) {
    throw new PyroError("INVALID_ARGUMENT", "The input device is not a TTY.", {
      hint: "Run it in a terminal, or leave out -t.",
    });
  }
  const modes = new PrivateModes();
  const hangingUp = new AbortController();
  let leaveRawMode: (() => void) | null = null;
  const source = readKeys(
    () => (leaveRawMode ??= enterRawMode()),
    () => hangingUp.abort(),
  );
  return {
    source,
    hungUp: hangingUp.signal,
    size: readSize,
    onResize(listener) {
      const onChange = () => listener(readSize());
      process.stdout.on("resize", onChange);
      return () => process.stdout.off("resize", onChange);
    },
    add: (bytes) => modes.add(bytes),
    close() {
      process.stdin.pause();
      leaveRawMode?.();
      leaveRawMode = null;
      const undo = modes.undo();
      if (undo !== "") process.stdout.write(undo);
    },
  };
}

/** A terminal may report no size, or zero lines or columns. */
function readSize(): TerminalSize {
  const { rows, columns } = process.stdout;
  const within = (count: number | undefined, usual: number) => Math.min(count || usual, limits.terminalCells.max);
  return { rows: within(rows, 24), cols: within(columns, 80) };
}

function readKeys(begin: () => void, onHangUp: () => void): AsyncIterable<Uint8Array> {
  const { stdin } = process;
  const pieces: Uint8Array[] = [];
  let readers = 0;
  let wake = () => {};
  const listen = () => {
    begin();
    stdin.on("data", (piece: Buffer) => {
      if (pieces.push(piece) >= MAX_PIECES) stdin.pause();
      wake();
    });
    stdin.on("end", onHangUp);
    stdin.on("error", onHangUp);
  };
  async function* read(reader: number): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      if (reader !== readers) return;
      const piece = pieces.shift();
      stdin.resume();
      if (piece) yield piece;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    [Symbol.asyncIterator]() {
      readers += 1;
      if (readers === 1) listen();
      wake();
      return read(readers);
    },
  };
}

/** Types that every Debian describes; for others, such as those of newer emulators, programs get a type that all emulators resemble. */
const KNOWN_TYPES =
  /^(?:xterm(?:-256color|-color)?|(?:screen|tmux)(?:-256color)?|rxvt(?:-unicode(?:-256color)?)?|linux|vt(?:100|102|220)|ansi|dumb)$/;

/** The variables that describe this process's terminal to programs. */
export function terminalEnv({ TERM = "", COLORTERM }: NodeJS.ProcessEnv): Record<string, string> {
  return { TERM: KNOWN_TYPES.test(TERM) ? TERM : "xterm-256color", ...(COLORTERM && { COLORTERM }) };
}

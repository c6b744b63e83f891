import { isForeground, isTerminalInput } from "../host/terminal.js";

/** This process's standard input, for a command in a VM. */
export interface OwnStdin {
  /** Reads standard input only when the first byte is requested. */
  readonly source: AsyncIterable<Uint8Array>;
  /** On a terminal, drops unread input that was typed for the command, so that the host's shell does not run it. */
  close(): Promise<void>;
}

/** Opens standard input; null when it is not passed on, or when reading it would stop a background job. */
export function openStdin(noStdin: boolean, onUnreadable: (reason: string) => void): OwnStdin | null {
  const isTerminal = isTerminalInput();
  if (noStdin || (isTerminal && !isForeground())) return null;
  let isRead = false;
  async function* read(): AsyncGenerator<Uint8Array> {
    isRead = true;
    try {
      yield* process.stdin as AsyncIterable<Buffer>;
    } catch (error) {
      onUnreadable((error as NodeJS.ErrnoException).code ?? String(error));
    }
  }
  return {
    source: read(),
    async close() {
      if (!isTerminal || !isRead) return;
      const { drainTerminalInput } = await import("../host/raw-terminal.js");
      drainTerminalInput();
    },
  };
}

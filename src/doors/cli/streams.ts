type Failure = NodeJS.ErrnoException;
type Name = "stdout" | "stderr";
type Listener = (error: Failure) => void;
/** Writes a text to a standard stream. */
export type Print = (name: Name, text: string) => void;

const names = ["stdout", "stderr"] as const;
const failures: Record<Name, Failure | null> = { stdout: null, stderr: null };
const listeners: Record<Name, Set<Listener>> = { stdout: new Set(), stderr: new Set() };
const writers: Record<Name, (text: string, onWritten?: () => void) => void> = {
  stdout: (text, onWritten) => process.stdout.write(text, onWritten),
  stderr: (text, onWritten) => process.stderr.write(text, onWritten),
};

/** Exit status of a process that SIGPIPE ended, as a shell reports it. */
export const BROKEN_PIPE_STATUS = 141;
const FAILED_WRITE_STATUS = 125;

/** Keeps a failed standard output or error from ending the process. Call it once, before the first write. */
export function watchStreams(): void {
  for (const name of names) {
    process[name].on("error", (error: Failure) => {
      failures[name] ??= error;
      for (const listener of listeners[name]) listener(error);
    });
  }
}

/** Drops all further output on standard output and error, except through the returned function. */
export function takeStreams(): Print {
  for (const name of names) {
    const { write } = process[name];
    writers[name] = write.bind(process[name]);
    process[name].write = (...given: unknown[]) => {
      const onWritten = given.find((value) => typeof value === "function");
      if (onWritten) process.nextTick(onWritten);
      return true;
    };
  }
  return (name, text) => writers[name](text);
}

/** Calls back when a stream can no longer be written, even if it failed earlier. */
export function onStreamFailure(name: Name, listener: Listener): void {
  listeners[name].add(listener);
  const error = failures[name];
  if (error) listener(error);
}

export function isBrokenPipe(error: Failure): boolean {
  return error.code === "EPIPE";
}

/**
 * The exit status of a command once its output is written. A reader that exited (`| head`) is not an error: the command ends quietly with the status of
 * SIGPIPE, as with other programs; any other failure of standard output is an error, since the output is lost.
 */
export async function finishStreams(status: number): Promise<number> {
  await Promise.all(names.map(flushed));
  const error = failures.stdout;
  if (error === null) return status;
  if (isBrokenPipe(error)) return BROKEN_PIPE_STATUS;
  writers.stderr(
    `pyro: Cannot write to standard output: ${error.message.replace(/, write$/, "")}.\n` +
      "hint: The output is lost; check its destination.\n",
  );
  await flushed("stderr");
  return FAILED_WRITE_STATUS;
}

/** Resolves when all output so far was flushed, or the stream has failed. */
async function flushed(name: Name): Promise<void> {
  // An empty write fails too when the reader has exited.
  if (process[name].writableLength > 0) await new Promise<void>((resolve) => writers[name]("", () => resolve()));
  // Node.js reports a failure in a later turn than the write.
  await new Promise<void>((resolve) => setImmediate(resolve));
}

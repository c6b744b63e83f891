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

/** The status of a process that wrote to a pipe without a reader, as a shell shows it. */
export const BROKEN_PIPE_STATUS = 141;
const FAILED_WRITE_STATUS = 125;

/** Sees that no failure of standard output or error ends the process. Called once, before anything is written. */
export function watchStreams(): void {
  for (const name of names) {
    process[name].on("error", (error: Failure) => {
      failures[name] ??= error;
      for (const listener of listeners[name]) listener(error);
    });
  }
}

/** Drops what is written to standard output and error from now on, except through the function that it returns. */
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

/** Calls back when a stream can no longer be written, also when it failed before. */
export function onStreamFailure(name: Name, listener: Listener): void {
  listeners[name].add(listener);
  const error = failures[name];
  if (error) listener(error);
}

export function isBrokenPipe(error: Failure): boolean {
  return error.code === "EPIPE";
}

/**
 * The exit status of a command once its output is written. A reader that is gone (`| head`) is no mistake, and ends quietly with the status of
 * SIGPIPE, as with other programs; any other failure of standard output is an error, since the output is lost.
 */
export async function finishStreams(status: number): Promise<number> {
  await Promise.all(names.map(flushed));
  const error = failures.stdout;
  if (error === null) return status;
  if (isBrokenPipe(error)) return BROKEN_PIPE_STATUS;
  writers.stderr(
    `pyro: Cannot write to standard output: ${error.message.replace(/, write$/, "")}.\n` +
      "hint: Its output is lost; look at where it is redirected to.\n",
  );
  await flushed("stderr");
  return FAILED_WRITE_STATUS;
}

/** Resolves when what was written so far is with the reader, or the stream has failed. */
async function flushed(name: Name): Promise<void> {
  // Even an empty write fails without a reader, where nothing was to be read.
  if (process[name].writableLength > 0) await new Promise<void>((resolve) => writers[name]("", () => resolve()));
  // A failure is reported in a later turn than the write.
  await new Promise<void>((resolve) => setImmediate(resolve));
}

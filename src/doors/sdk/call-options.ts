import type { PyroError } from "../../contract/errors.js";
import type { PushResult } from "./results.js";

/** Selects the pyro daemon. */
export interface PyroOptions {
  /** The daemon's home; default `PYRO_HOME`, or `~/.pyro`. A relative path starts at the working directory. */
  readonly home?: string | undefined;
  /** A context of the home, as `pyro context add` makes it; default `PYRO_CONTEXT`, or the current one. "local" is this machine. */
  readonly context?: string | undefined;
}

/** A progress report of a long call. */
export interface ProgressEvent {
  /** The current phase, as a stable word. */
  readonly phase: string;
  /** The same for people. */
  readonly message: string;
  /** From 0 to 1, if known. */
  readonly fraction?: number;
}

/** Options of long calls. */
export interface CallOptions {
  /**
   * Cancels the call, which rejects with `ABORTED`. If its command has begun, the command gets INT instead, and all its
   * processes are killed 5 s later; the result has `aborted: true`. `Execution.cancel()` after that kills at once.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called for each report. The next report waits for the returned promise. */
  readonly onProgress?: ((event: ProgressEvent) => void | Promise<void>) | undefined;
}

/** Options of `streamTaskFile`. */
export interface StreamTaskFileOptions {
  /** First byte wanted. Default: 0. */
  readonly offset?: number | undefined;
  /** Maximum number of bytes; all of them unless given. */
  readonly maxBytes?: number | undefined;
  /** The user of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given. */
  readonly user?: string | undefined;
  /** Ends the stream, which then throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `streamTaskExport`. */
export interface StreamTaskExportOptions {
  /** Compress the archive. Default: false. */
  readonly gzip?: boolean | undefined;
  /** Ends the stream, which then throws `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `watchTask`. */
export interface WatchTaskOptions {
  /** Directory beneath /workspace. Default: `/workspace`. */
  readonly dest?: string | undefined;
  /** Leave out entries that match these .gitignore patterns. */
  readonly exclude?: readonly string[] | undefined;
  /** Keep matching entries even if exclude matches them. */
  readonly include?: readonly string[] | undefined;
  /** Symlinks that point out of the directory. Default: keep. */
  readonly links?: "keep" | "skip" | "follow" | "refuse" | undefined;
  /** Take only files that Git tracks or does not ignore, without .git. Default: false. */
  readonly gitTracked?: boolean | undefined;
  /** Also send .git, complete. Default: false. */
  readonly withGit?: boolean | undefined;
  /** Also delete files of earlier pushes that the directory no longer has. Default: false. */
  readonly delete?: boolean | undefined;
  /** Ends the watch. */
  readonly signal?: AbortSignal | undefined;
}

/** An event of a watch: a push, or one that failed. */
export type WatchTaskEvent =
  | { readonly event: "pushed"; readonly changed: readonly string[]; readonly result: PushResult }
  | { readonly event: "failed"; readonly error: PyroError; readonly retries: boolean };

/** A command: one line for the guest's `/bin/sh -c`, or a program and its arguments, which are then quoted for it. */
export type Command = string | readonly string[];

/** Standard input: a text, bytes, or any stream of either. It is read only as fast as the command takes it. */
export type StdinSource = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/** A chunk of a command's output. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  /** The same as UTF-8. A character that is split over two chunks is in the text of the second. */
  readonly text: string;
  /** Bytes lost before this chunk, because the client was disconnected for too long. Almost always 0. */
  readonly omittedBytes: number;
}

/** Options of every call with standard input and output. */
export interface SessionOptions extends CallOptions {
  /** Reject with `CommandFailedError` when the command does not end with exit code 0. Default false: then it resolves with the result. */
  readonly check?: boolean | undefined;
  /** Default: none, so the command reads end of file at once. */
  readonly stdin?: StdinSource | undefined;
  /** Called with each piece of standard output. The next piece, and in the end the command, waits for the returned promise. */
  readonly onStdout?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
  /** The same for standard error. */
  readonly onStderr?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
}

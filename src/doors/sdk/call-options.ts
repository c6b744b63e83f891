/** Which pyro to talk to. */
export interface PyroOptions {
  /** The home whose daemon is asked; by default `PYRO_HOME`, or `~/.pyro`. A relative path is one of the working directory. */
  readonly home?: string | undefined;
}

/** One report of how far a long call is. */
export interface ProgressEvent {
  /** What it does now, as a stable word. */
  readonly phase: string;
  /** The same for people. */
  readonly message: string;
  /** From 0 to 1, where it is known. */
  readonly fraction?: number;
}

/** What calls that take long accept. */
export interface CallOptions {
  /**
   * Cancels. The call rejects with `ABORTED`, unless its command had begun: that gets INT, everything of it is killed 5 s later, and
   * the result says `aborted`. `Execution.cancel()` after that kills at once.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called for each report; the next one waits for what it returns. */
  readonly onProgress?: ((event: ProgressEvent) => void | Promise<void>) | undefined;
}

/** A command: one line for the guest's `/bin/sh -c`, or a program and its arguments, which are then quoted for it. */
export type Command = string | readonly string[];

/** Standard input: a text, bytes, or any stream of either. It is read only as fast as the command takes it. */
export type StdinSource = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/** Output of a command as it comes. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  /** The same as UTF-8; a character that comes in two pieces is in the text of the second one. */
  readonly text: string;
  /** Bytes before this chunk that are kept no longer, since this caller was away for too long. Almost always 0. */
  readonly omittedBytes: number;
}

/** What every call with standard input and output accepts. */
export interface SessionOptions extends CallOptions {
  /** Reject with `CommandFailedError` when the command does not end with exit code 0. Default false: that is a result. */
  readonly check?: boolean | undefined;
  /** Default: none, so that the command reads the end of its input at once. */
  readonly stdin?: StdinSource | undefined;
  /** Called with each piece of standard output; the next one, and the command in the end, waits for what it returns. */
  readonly onStdout?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
  /** The same for standard error. */
  readonly onStderr?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
}

export interface SnapshotOptions {
  readonly signal: AbortSignal;
  /** Called and awaited while the machine is paused, so that it reads the state of the same instant as the memory. */
  readonly onPaused?: () => void | Promise<void>;
  /** Called when the files exist, before the machine is paused: one that starts from them can begin, and wait until they are whole. */
  readonly onBegun?: (handle: SnapshotHandle) => void;
  /** False leaves the machine paused once the snapshot is made, for a caller that ends it then. A failure always resumes it. */
  readonly resumes?: boolean;
}

/** A backend's record of a snapshot, to start from it; only the backend knows its shape. */
export type SnapshotHandle = Readonly<Record<string, unknown>>;

/** The facts of a new snapshot. */
export interface MachineSnapshot {
  readonly handle: SnapshotHandle;
  /** Bytes of memory that differed from the template's. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** How long the machine did not run. */
  readonly pauseMs: number;
}

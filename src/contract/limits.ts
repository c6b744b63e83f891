/** Every limit a caller can meet, in one place. Sizes in bytes or MiB by their name. */
export const limits = {
  vcpuCount: { min: 1, max: 16 },
  memMib: { min: 256, max: 65_536 },
  diskMib: { min: 256, max: 1_048_576 },
  /** Commands that may run in one task at the same time. */
  runningCommands: 64,
  timeoutSeconds: { min: 1, max: 86_400 },
  /** The time-out of a command in front, when nothing else says one. */
  defaultTimeoutSeconds: 30,
  /** How long the daemon may be told to stay without a call or a VM. */
  daemonIdleSeconds: { min: 1, max: 1_000_000 },
  ttlSeconds: { min: 1, max: 2_592_000 },
  /** A command is one line for the guest's shell; with its environment it fits into one frame. */
  commandBytes: 49_152,
  /** Names and values of the environment that a task keeps for its commands. */
  taskEnvBytes: 12_288,
  /** Output kept in a result, per stream: the first and the last half of it. */
  resultOutputBytes: 1_048_576,
  /** Output of a command that one answer from a cursor holds at most, both streams together. */
  execOutputBytes: { min: 1, max: 1_048_576 },
  /** How long a cancelled command has after its first signal until everything that it has started is killed. */
  cancelGraceSeconds: 5,
  /** The longest that one call waits for more output. */
  waitSeconds: { min: 0, max: 3_600 },
  /** The longest body line a client may send to the daemon. */
  requestLineBytes: 1_048_576,
  /** Standard input a client may have sent that the command has not taken yet. */
  stdinWindowBytes: 262_144,
  /** Entries of an import, directories that are only implied included. */
  importEntries: 1_000_000,
  importPathBytes: 4_096,
  importNameBytes: 255,
  /** The longest file of which a base keeps the content, and all that the base of one task keeps. */
  baseContentFileBytes: 1_048_576,
  baseContentBytes: 268_435_456,
  /** A patch, and all that the files which it names have before it. */
  patchBytes: 716_800,
  patchedContentBytes: 33_554_432,
  /** What one answer with differences holds: it ends with the file that goes beyond. */
  diffFiles: 10_000,
  diffBytes: 1_048_576,
} as const;

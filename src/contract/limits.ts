/** Every limit that a caller can reach. Names carry the unit. */
export const limits = {
  vcpuCount: { min: 1, max: 16 },
  memMib: { min: 256, max: 65_536 },
  diskMib: { min: 256, max: 1_048_576 },
  /** Commands that may run in one task at the same time. */
  runningCommands: 64,
  /** Forks in one call; the memory of the host sets a lower limit. */
  forkCount: 100_000,
  /** How long a setup may run. */
  setupSeconds: 3_600,
  /** Script of a build, in characters. */
  scriptBytes: 262_144,
  /** Limits of one try: variants, returned output of each, listed changes of each. */
  tryVariants: 32,
  tryOutputBytes: 16_384,
  tryChanges: 50,
  timeoutSeconds: { min: 1, max: 86_400 },
  /** Default time-out of a foreground command. */
  defaultTimeoutSeconds: 30,
  /** Range of the daemon's idle time, without a call or a VM, before it exits. */
  daemonIdleSeconds: { min: 1, max: 1_000_000 },
  /** Limits on all VMs of a daemon together: memory, disk, their number. */
  totalMib: { min: 256, max: 1_073_741_824 },
  totalVms: { min: 1, max: 1_000_000 },
  ttlSeconds: { min: 1, max: 2_592_000 },
  /** Published ports of one task, and connections to them at the same time. */
  publishedPorts: 64,
  portConnections: 256,
  /** Services of one task that a daemon keeps, and the seconds in which one must be ready. */
  services: 32,
  readySeconds: { min: 1, max: 3_600 },
  /** Lines, and characters of a line, of a terminal. */
  terminalCells: { min: 1, max: 1_000 },
  /** Longest command line; a command and its environment fit into one frame. */
  commandBytes: 49_152,
  /** Names and values of the environment that a task keeps for its commands. */
  taskEnvBytes: 12_288,
  /** Output kept in a result, per stream: half of it from the head, half from the tail. */
  resultOutputBytes: 1_048_576,
  /** Maximum output in one answer of `task.exec.output`, both streams together. */
  execOutputBytes: { min: 1, max: 1_048_576 },
  /** How long a cancelled command may run after its first signal before it and every process it started are killed. */
  cancelGraceSeconds: 5,
  /** The longest that one call waits for more output. */
  waitSeconds: { min: 0, max: 3_600 },
  /** The longest body line a client may send to the daemon. */
  requestLineBytes: 1_048_576,
  /** Maximum standard input in flight: sent by a client, not yet read by the command. */
  stdinWindowBytes: 1_048_576,
  /** Entries of an import, including implied directories. */
  importEntries: 1_000_000,
  importPathBytes: 4_096,
  importNameBytes: 255,
  /** Maximum size of a file whose content a base keeps, and of all content that a task's base keeps. */
  baseContentFileBytes: 1_048_576,
  baseContentBytes: 268_435_456,
  /** Maximum size of a patch, and of all files that it names before it is applied. */
  patchBytes: 716_800,
  patchedContentBytes: 33_554_432,
  /** Maximum differences in one answer; the file that exceeds it is the last. */
  diffFiles: 10_000,
  diffBytes: 1_048_576,
  /** A path in a guest, without its NUL. */
  filePathBytes: 4_095,
  /** Entries of one page of a list of files. */
  fileListEntries: { min: 1, max: 10_000 },
  /** Bytes of a file in one answer. */
  fileReadBytes: { min: 1, max: 4_194_304 },
  /** Lines of a file in one answer, and their bytes. */
  fileViewLines: { min: 1, max: 10_000 },
  fileViewBytes: 65_536,
  /** A line of a file that is shown is cut behind this. */
  fileViewLineBytes: 2_000,
  /** How far into a file lines are counted. */
  fileViewScanBytes: 67_108_864,
  /** The largest image that is shown, and the largest file that is edited. */
  fileImageBytes: 3_932_160,
  fileEditBytes: 8_388_608,
} as const;

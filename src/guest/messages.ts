import { z } from "zod";

/** The messages of the guest protocol (protocol/PROTOCOL.md). Every message of the guest is parsed here before it is used. */

export const PROTOCOL_VERSION = 1;

export const frameType = {
  hello: 1,
  request: 2,
  response: 3,
  data: 4,
  eof: 5,
  window: 6,
  exit: 7,
  mail: 8,
  zeros: 9,
} as const;
export const channelNumber = { stdin: 0, stdout: 1, stderr: 2, content: 3 } as const;

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A name such as ENOENT or RTMIN+3, which is shown to people: it has no character that controls a terminal. */
const symbol = z.string().regex(/^[A-Z0-9+-]+$/);

/** No machine lives long enough to reach it, and as many numbers remain above it. */
const MAX_JOB = 0x7fff_ffff;

export const hello = z.object({
  protocol: z.number().int(),
  agent: z.string().max(64),
  mode: z.enum(["init", "process"]),
  kernel: z.string().max(256),
  woken: z.boolean(),
  /** The size of the disk in which the guest finds pieces of content. */
  mailbox_bytes: z.number().int().min(0).max(1_073_741_824).optional(),
  /** The size of the part behind it in which the host finds pieces. The guest then also takes pieces as standard input. */
  outbox_bytes: z.number().int().min(0).max(1_073_741_824).optional(),
  /** Whether a stage can remove entries of the workspace. */
  removes: z.boolean().optional(),
  /** Whether the agent can work on files as another user. */
  users: z.boolean().optional(),
  /** Whether commands can run as another user, and the workspace can be given to one. */
  owns: z.boolean().optional(),
  /** Whether the agent accepts zeros of content as a number. */
  zeros: z.boolean().optional(),
  /** Whether the guest keeps digests of what it has sent, and lists files without hashing them. */
  learns: z.boolean().optional(),
  jobs: z.array(z.number().int().min(1).max(MAX_JOB)).max(256),
});
export type Hello = z.infer<typeof hello>;

export const agentErrorCode = z.enum([
  "BAD_REQUEST",
  "UNSUPPORTED",
  "NOT_WOKEN",
  "EXISTS",
  "NO_SUCH_JOB",
  "NO_SUCH_USER",
  "SPAWN_FAILED",
  "TOO_MANY_JOBS",
  "IO",
  "UNSAFE_PATH",
  "CANCELLED",
  "TORN",
]);

export const response = z.union([
  z.looseObject({ ok: z.literal(true) }),
  z.object({
    ok: z.literal(false),
    error: z.object({
      code: agentErrorCode,
      message: z.string().max(4096),
      errno: symbol.max(32).optional(),
      path: z.string().max(8192).optional(),
    }),
  }),
]);

export const exit = z
  .object({
    exit_code: z.number().int().min(0).max(255).optional(),
    /** Its name without SIG, such as TERM. */
    signal: symbol.max(16).optional(),
    /** True when the kernel killed a process of the job because memory ran out. */
    oom_killed: z.boolean().optional(),
    stdout_bytes: count,
    stderr_bytes: count,
    duration_ms: count,
  })
  .refine(({ exit_code, signal }) => (exit_code === undefined) !== (signal === undefined));
export type Exit = z.infer<typeof exit>;

/** The answer to `follow`. */
export const followed = z.object({
  state: z.enum(["running", "exited"]),
  stdin_acked: count,
});

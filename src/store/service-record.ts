import { z } from "zod";

import { time } from "../contract/fields.js";

const count = z.int().min(0);

export const serviceRecord = z.object({
  name: z.string(),
  command: z.string(),
  cwd: z.string(),
  /** The values may be secrets: only its commands get them. */
  env: z.record(z.string(), z.string()),
  /** Null for a service that is ready once it was started. */
  ready: z.string().nullable(),
  ready_timeout_seconds: z.int().min(1),
  restart: z.enum(["never", "on-failure"]),
  ports: z.array(
    z.object({
      port: z.int(),
      /** True for a port that its start has published: the service's end closes it. */
      is_own: z.boolean(),
    }),
  ),
  /** Commands of this name that began earlier belong to an earlier service. */
  since: time,
  state: z.enum(["starting", "ready", "waiting", "stopped", "ended", "failed"]),
  reason: z.string().nullable(),
  ready_at: time.nullable(),
  restart_count: count,
  /** How many commands in a row failed soon after their start. */
  early_failures: count,
});

/** A service as its task's record holds it. */
export type ServiceRecord = Readonly<z.infer<typeof serviceRecord>>;

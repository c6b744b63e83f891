import { randomBytes, randomInt } from "node:crypto";

import { z } from "zod";

import type { ResultOf } from "../../contract/operations.js";
import type { NewSandbox } from "./control/new-sandbox.js";
import type { Template } from "./template.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
const texts = z.record(z.string(), z.string());

/** A process of a sandbox, by which a restarted gateway finds it again. */
export const processRecord = z.object({
  pid: z.int(),
  sequence: z.int(),
  tag: z.string().optional(),
  cmd: z.string(),
  args: z.array(z.string()),
  envs: texts,
  cwd: z.string().optional(),
  tty: z.boolean(),
});

/** The record of a sandbox: facts that its task does not have. */
export const sandboxRecord = z.object({
  format: z.literal(1),
  id: z.string().regex(/^[a-z0-9]{1,40}$/),
  taskId: z.string(),
  templateId: z.string(),
  metadata: texts,
  envVars: texts,
  startedAt: z.string(),
  endAt: z.string(),
  token: z.string(),
  state: z.enum(["running", "paused"]),
  onTimeout: z.enum(["kill", "pause"]),
  /** Whether the pause at its end keeps the memory. */
  pausesMemory: z.boolean().default(true),
  /** The environment with its files, while it is paused without its memory; then it has no task. */
  savedAs: z.string().optional(),
  /** The environment from which it has booted after such a pause; its task needs it. */
  bootedFrom: z.string().optional(),
  autoResume: z.boolean(),
  allowInternet: z.boolean(),
  network: z.record(z.string(), z.unknown()).optional(),
  /** User and directory of processes that name none; the template has set them. */
  user: z.string().optional(),
  workdir: z.string().optional(),
  cpuCount: z.int(),
  memoryMib: z.int(),
  diskMib: z.int(),
  processes: z.array(processRecord),
});

export type ProcessRecord = z.infer<typeof processRecord>;
export type SandboxRecord = z.infer<typeof sandboxRecord>;

/** The record of a sandbox that was just created, with its task. */
export function newRecord(
  id: string,
  wanted: NewSandbox,
  { user, workdir }: Template,
  task: ResultOf<"task.create">,
): SandboxRecord {
  const { metadata, envVars, timeoutSeconds, onTimeout, pausesMemory, autoResume, network, templateId } = wanted;
  return {
    ...{
      format: 1,
      id,
      taskId: task.task_id,
      templateId,
      metadata,
      envVars,
      ...span(timeoutSeconds),
      token: newToken(),
    },
    ...{ state: "running", onTimeout, pausesMemory, autoResume },
    ...{ allowInternet: wanted.allowInternet && task.network_enabled, ...(network && { network }) },
    ...(user !== undefined && { user, workdir }),
    ...{ cpuCount: task.vcpu_count, memoryMib: task.mem_mib, diskMib: task.disk_mib, processes: [] },
  };
}

/** A span of this many seconds, from now on. */
export function span(seconds: number) {
  const now = Date.now();
  return { startedAt: new Date(now).toISOString(), endAt: new Date(now + seconds * 1000).toISOString() };
}

export function newToken(): string {
  return randomBytes(32).toString("hex");
}

export function newId(): string {
  return `i${Array.from({ length: 19 }, () => LETTERS[randomInt(LETTERS.length)]).join("")}`;
}

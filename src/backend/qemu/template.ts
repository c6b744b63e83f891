import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import type { InstalledEnvironment } from "../../environments/cache.js";
import type { ControlGroups } from "../../host/control-groups.js";
import { readJson, stat } from "../../host/files.js";
import { sha256OfFile } from "../../host/digest.js";
import type { VmShape } from "../backend.js";
import type { Accelerator } from "./accelerator.js";
import type { GateProgram } from "./gate.js";
import { buildQemuArgs } from "./argv.js";
import type { Toolchain } from "./toolchain.js";
import { warmUpCommands } from "./warm-up.js";
import { shortDigest } from "../../host/short-digest.js";

/** A VM frozen with its agent ready; VMs are cloned from it. Valid only for the inputs of its key. */
export interface Template {
  readonly key: string;
  readonly directory: string;
  readonly accelerator: Accelerator;
  /** A digest of its record: a template that was made again under the same key is another one. */
  readonly identity: string;
}

/** A template's files. `kernel` and `initramfs` are stubs: a clone has its kernel in memory already. */
export const templateFiles = {
  ram: "ram",
  state: "state",
  /** The scratch disk at the instant of freezing: the backing file of every clone's overlay. */
  scratch: "scratch",
  /** An empty overlay, copied for each clone. */
  overlay: "overlay",
  kernel: "kernel",
  initramfs: "initramfs",
} as const;

const FORMAT = 2;

/** The content of `template.json`. It is written last, so a directory without it is not a template. */
const record = z.object({
  format: z.literal(FORMAT),
  environment: z.string(),
  environment_digest: z.string(),
  /** ISO 8601, UTC. */
  built_at: z.string(),
  files: z.record(z.string(), z.object({ size: z.number(), ctime_ms: z.number(), mode: z.number() })),
});
export type TemplateRecord = z.infer<typeof record>;

export interface TemplateInputs {
  readonly toolchain: Toolchain;
  readonly accelerator: Accelerator;
  /** How long the boot may take until the agent is ready. */
  readonly bootDeadlineMs: number;
  readonly shape: VmShape;
  readonly environment: InstalledEnvironment;
  readonly agentPath: string;
  readonly keeperPath: string;
  readonly groups: ControlGroups;
  /** Given exactly when the shape has a network. The template's network has no way out. */
  readonly gate: GateProgram | null;
}

/** A digest over everything a frozen VM depends on. */
export async function computeTemplateKey(inputs: TemplateInputs): Promise<string> {
  const { toolchain, accelerator, shape, environment, agentPath } = inputs;
  const { traits } = toolchain;
  const parts = {
    format: FORMAT,
    qemu: toolchain.qemuVersion,
    boot: buildQemuArgs({ accelerator, shape, traits }, "boot"),
    clone: buildQemuArgs({ accelerator, shape, traits }, "clone"),
    disk: shape.diskMib,
    warmUp: warmUpCommands,
    environment: environment.digest,
    agent: await sha256OfFile(agentPath),
  };
  return shortDigest(JSON.stringify(parts), 32);
}

/** Sizes, change times and modes of the files. A change time cannot be set back, so a file that was written to is noticed. */
export async function describeFiles(directory: string): Promise<TemplateRecord["files"]> {
  const entries = await Promise.all(
    Object.values(templateFiles).map(async (name) => {
      const { size, ctimeMs, mode } = await stat(join(directory, name));
      return [name, { size, ctime_ms: ctimeMs, mode: mode & 0o777 }] as const;
    }),
  );
  return Object.fromEntries(entries);
}

export async function readTemplateRecord(directory: string): Promise<TemplateRecord | null> {
  const parsed = record.safeParse(await readJson(join(directory, "template.json")));
  return parsed.success ? parsed.data : null;
}

/** The identity of a complete, unchanged template; else null. */
export async function readIdentity(directory: string): Promise<string | null> {
  const recorded = await readTemplateRecord(directory);
  if (recorded === null) return null;
  try {
    const isIntact = JSON.stringify(recorded.files) === JSON.stringify(await describeFiles(directory));
    return isIntact ? createHash("sha256").update(JSON.stringify(recorded)).digest("hex") : null;
  } catch {
    return null;
  }
}

export function buildRecord(environment: InstalledEnvironment, files: TemplateRecord["files"]): TemplateRecord {
  const { recipe, digest } = environment;
  return {
    format: FORMAT,
    environment: recipe.name,
    environment_digest: digest,
    built_at: new Date().toISOString(),
    files,
  };
}

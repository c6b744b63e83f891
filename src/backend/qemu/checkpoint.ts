import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { sha256OfFile } from "../../host/digest.js";
import { existsSync, readdir, readJson, rename, rm, stat, writeFileAtomic } from "../../host/files.js";
import { readBootIdentity } from "../../host/platform.js";
import type { Template } from "./template.js";

/**
 * A QEMU whose VM was cloned from a template and paused, written into a file with the code that it has translated. Clones continue it
 * instead of starting a QEMU of their own. docs/decisions/0072
 */
export interface Checkpoint {
  readonly directory: string;
}

export const checkpointFiles = {
  /** QEMU, as pyro-checkpoint writes it. */
  process: "process",
  /** The disk of its VM. */
  overlay: "overlay",
} as const;

/** The programs that write a QEMU, continue it, and are loaded into it. */
export interface CheckpointPrograms {
  readonly checkpointPath: string;
  readonly restorePath: string;
  readonly preloadPath: string;
}

const FORMAT = 1;

/** The content of `checkpoint.json`, which is written last. */
const record = z.object({ format: z.literal(FORMAT), host: z.string(), process_bytes: z.number() });

const PREFIX = "checkpoint-";

/** The place of a template's checkpoint: it goes when the template goes. Its files never change, since another host's have another place. */
function directoryOf(template: Template, host: string): string {
  return join(template.directory, `${PREFIX}${host.slice(0, 16)}`);
}

/** A digest over what a checkpoint depends on besides its template: this boot of the kernel, since it holds the kernel's vdso, and the programs. */
export async function describeHost(programs: CheckpointPrograms): Promise<string> {
  const { checkpointPath, restorePath, preloadPath } = programs;
  const digests = await Promise.all([checkpointPath, restorePath, preloadPath].map((path) => sha256OfFile(path)));
  return createHash("sha256")
    .update(JSON.stringify([readBootIdentity(), digests]))
    .digest("hex");
}

/** The checkpoint of a template that can be continued here and now; else null. */
export async function findCheckpoint(template: Template, host: string): Promise<Checkpoint | null> {
  const directory = directoryOf(template, host);
  const parsed = record.safeParse(await readJson(join(directory, "checkpoint.json")));
  if (!parsed.success || parsed.data.host !== host) return null;
  const { size } = await stat(join(directory, checkpointFiles.process)).catch(() => ({ size: -1 }));
  return size === parsed.data.process_bytes ? { directory } : null;
}

/** Puts a directory with a checkpoint's files in its place, unless another daemon was quicker, and removes those that no host has any more. */
export async function installCheckpoint(template: Template, host: string, made: string): Promise<void> {
  const { size } = await stat(join(made, checkpointFiles.process));
  const content: z.infer<typeof record> = { format: FORMAT, host, process_bytes: size };
  await writeFileAtomic(join(made, "checkpoint.json"), JSON.stringify(content));
  const directory = directoryOf(template, host);
  for (const name of await readdir(template.directory)) {
    const path = join(template.directory, name);
    if (name.startsWith(PREFIX) && path !== directory) await rm(path, { recursive: true, force: true });
  }
  if (!existsSync(directory)) await rename(made, directory);
}

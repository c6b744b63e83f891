import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { sha256OfFile } from "../../host/digest.js";
import { readdir, readJson, rename, rm, stat, writeFileAtomic } from "../../host/files.js";
import { readBootIdentity } from "../../host/platform.js";
import { readIdentity, type Template } from "./template.js";

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

/**
 * The content of `checkpoint.json`, which is written last. `template` is the identity of the template whose memory the checkpoint builds on:
 * another one may have its place.
 */
const record = z.object({
  format: z.literal(FORMAT),
  host: z.string(),
  template: z.string(),
  process_bytes: z.number(),
});

const PREFIX = "checkpoint-";

/** Checkpoints are in the template's directory, so that they go when the template goes. */
const prefixFor = (host: string) => `${PREFIX}${host.slice(0, 16)}-`;

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
  for (const name of await readdir(template.directory)) {
    const directory = join(template.directory, name);
    if (name.startsWith(prefixFor(host)) && (await isWhole(directory, template, host))) return { directory };
  }
  return null;
}

async function isWhole(directory: string, template: Template, host: string): Promise<boolean> {
  const parsed = record.safeParse(await readJson(join(directory, "checkpoint.json")));
  if (!parsed.success || parsed.data.host !== host || parsed.data.template !== template.identity) return false;
  const { size } = await stat(join(directory, checkpointFiles.process)).catch(() => ({ size: -1 }));
  return size === parsed.data.process_bytes;
}

/**
 * Makes a directory with a checkpoint's files the only checkpoint of its template, unless another daemon was quicker. Each has a name of its
 * own, so no clone gets files of two. Throws NOT_FOUND when the template was removed or replaced meanwhile.
 */
export async function installCheckpoint(template: Template, host: string, made: string): Promise<void> {
  const { size } = await stat(join(made, checkpointFiles.process));
  const content: z.infer<typeof record> = { format: FORMAT, host, template: template.identity, process_bytes: size };
  await writeFileAtomic(join(made, "checkpoint.json"), JSON.stringify(content));
  if ((await readIdentity(template.directory)) !== template.identity) {
    throw new PyroError("NOT_FOUND", `The template ${template.key} was removed while its checkpoint was made.`);
  }
  if (await findCheckpoint(template, host)) return;
  await removeCheckpoints(template);
  await rename(made, join(template.directory, `${prefixFor(host)}${randomBytes(6).toString("hex")}`));
}

/** A VM that continues one of them keeps its files. */
async function removeCheckpoints({ directory }: Template): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(PREFIX)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

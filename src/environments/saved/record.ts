import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { time } from "../../contract/fields.js";
import { limits } from "../../contract/limits.js";
import { readJson, writeFileAtomic } from "../../host/files.js";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The directory in which commands start, and their user; as an image has them. */
export const guestConfig = z.object({ working_dir: z.string().max(4_096), user: z.string().max(256) });
export type GuestConfig = Readonly<z.infer<typeof guestConfig>>;

/** Later versions may add fields. */
const recordSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  created_at: time,
  /** The task and the snapshot that it was saved from; null in one that was imported from another host. */
  task_id: z.string().nullable(),
  snapshot_id: z.string().nullable(),
  /** The environment that the disk is based on. */
  environment: z.string().max(8_192),
  environment_digest: digest,
  disk_mib: z.int().min(1).max(limits.diskMib.max),
  disk: z.object({ size_bytes: z.int().min(1), sha256: digest }),
  /** Where commands of its VMs start, and as whom, if a build has said so. */
  config: guestConfig.optional(),
  /** The key of the step of a build whose result it is. */
  step_key: digest.optional(),
});

/** `saved.json` of an environment that is the disk of a task, over the environment of that task. */
export type SavedRecord = Readonly<z.infer<typeof recordSchema>>;

/** The files of a saved environment. The disk is a qcow2 image of its own, without a file behind it. */
export const savedFiles = { record: "saved.json", disk: "disk" } as const;

/** Null when it is missing, damaged, or of a newer pyro. */
export async function readSavedRecord(directory: string): Promise<SavedRecord | null> {
  return parseSavedRecord(await readJson(join(directory, savedFiles.record)).catch(() => null));
}

export function parseSavedRecord(value: unknown): SavedRecord | null {
  return recordSchema.safeParse(value).data ?? null;
}

/** Writes it, durably: the last file of a saved environment. */
export function writeSavedRecord(directory: string, record: SavedRecord): Promise<void> {
  return writeFileAtomic(join(directory, savedFiles.record), renderSavedRecord(record));
}

export function renderSavedRecord(record: SavedRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The digest of a saved environment: of the environment below, and of the disk. Its name and origin do not count. */
export function digestOfSaved({ environment_digest, disk, disk_mib }: SavedRecord): string {
  const parts = [environment_digest, disk.sha256, disk_mib];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** A name without a path: no other text becomes part of a path. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(:[A-Za-z0-9._-]{1,64})?$/;

/** Whether a directory is the one of a saved environment with this name, which may be any text. */
export function isDirectoryOf(name: string, directory: string): boolean {
  return PLAIN.test(name) && directoryNameOf(name) === directory;
}

/** The name of a saved environment's directory. Throws INVALID_ARGUMENT. */
export function directoryNameOf(name: string): string {
  if (PLAIN.test(name)) return name.replace(":", "@");
  throw new PyroError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(name.slice(0, 80))} cannot be the name of an environment.`,
    {
      hint: "Use at most 63 letters, digits and _ . -, and after a colon a tag.",
      details: { environment: name.slice(0, 256) },
    },
  );
}

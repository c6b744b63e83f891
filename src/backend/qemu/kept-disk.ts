import { join } from "node:path";

import { z } from "zod";

import { existsSync, mkdir, readJson, rename, writeFileAtomic } from "../../host/files.js";
import type { KeptDisk } from "../backend.js";
import { originSchema, type Origin } from "./origin.js";
import { templateFiles } from "./template.js";

/** The qcow2 overlay of a VM, which is all that its disk has beyond the template's. */
export function scratchPathOf(vmDirectory: string): string {
  return join(vmDirectory, "scratch");
}

const noteSchema = z.object({ format: z.literal(1), origin: originSchema });

const noteOf = (directory: string) => join(directory, "disk.json");

/** Moves the disk of a VM that has ended into a new directory. A disk without an origin is not kept, since it could not be read. */
export async function keepDisk(vmDirectory: string, origin: Origin | null, into: string): Promise<void> {
  const scratch = scratchPathOf(vmDirectory);
  if (origin === null || !existsSync(scratch)) return;
  await mkdir(into, { recursive: true, mode: 0o755 });
  await rename(scratch, scratchPathOf(into));
  await writeFileAtomic(noteOf(into), JSON.stringify({ format: 1, origin }));
}

/** The overlay of a disk that is kept by itself or in a snapshot. */
export function overlayPathOf({ directory, snapshot }: KeptDisk): string {
  return snapshot === null ? scratchPathOf(directory) : join(directory, templateFiles.overlay);
}

/** The template below a kept disk; null when there is no disk, or a newer pyro has kept it. */
export async function readKeptOrigin({ directory, snapshot }: KeptDisk): Promise<Origin | null> {
  if (snapshot !== null) return originSchema.safeParse(snapshot).data ?? null;
  const note = noteSchema.safeParse(await readJson(noteOf(directory)));
  return note.success ? note.data.origin : null;
}

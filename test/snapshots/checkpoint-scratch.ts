import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Machine } from "../../src/backend/backend.js";
import { commandLineOf, until } from "../client/scratch.js";
import type { SnapshotScratch } from "./snapshot-scratch.js";

const CONTINUES = "/pyro/qemu-system-x86_64";

/** Directories of the checkpoints of a home's templates. */
export function checkpoints(scratch: SnapshotScratch): string[] {
  const templates = join(scratch.home, "templates");
  return readdirSync(templates)
    .flatMap((key) => readdirSync(join(templates, key)).map((name) => join(templates, key, name)))
    .filter((path) => /\/[0-9a-f]+\/checkpoint-[0-9a-f-]+$/.test(path) && existsSync(join(path, "checkpoint.json")));
}

/** Resolves when a template's checkpoint is made. */
export async function checkpointed(scratch: SnapshotScratch, count = 1): Promise<string> {
  await until("the checkpoint is made", () => checkpoints(scratch).length === count);
  return checkpoints(scratch).at(-1)!;
}

export const isContinued = (scratch: SnapshotScratch, { id }: Machine) =>
  commandLineOf(scratch.qemuOfVm(id))[0] === CONTINUES;

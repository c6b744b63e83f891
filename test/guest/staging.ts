import type { Channel } from "../../src/guest/channel.js";
import { Stage, type EntryHeader } from "../../src/guest/stage.js";

/** An entry for a workspace. */
export interface Entry {
  readonly header: EntryHeader;
  readonly content: Buffer;
}

/** A file, or another kind of entry that `more` describes. */
export function file(path: string, content: string | Buffer = "", more: Partial<EntryHeader> = {}): Entry {
  const bytes = Buffer.from(content);
  const header = {
    path,
    type: "file",
    mode: 0o640,
    mtimeS: 1_600_000_000,
    mtimeNs: 7,
    sizeBytes: bytes.length,
  } as const;
  return { header: { ...header, ...more }, content: bytes };
}

export const other = (path: string, more: Partial<EntryHeader>) => file(path, "", more);

/** Sends entries to a new stage. */
export async function stageAll(channel: Channel, entries: readonly Entry[], path: string, id: string): Promise<Stage> {
  const stage = await Stage.open(channel, { path, id });
  for (const { header, content } of entries) await stage.add(header, [content]);
  return stage;
}

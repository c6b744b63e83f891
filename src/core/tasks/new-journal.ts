import { PyroError } from "../../contract/errors.js";
import { mkdir } from "../../host/files.js";
import { openJournal, type Journal } from "../../store/journal.js";
import { journalPath } from "../../store/layout.js";
import type { SnapshotFacts } from "../../store/snapshot-facts.js";
import { adoptCarried } from "../exec/carried.js";

/** Writes the journal of a task that starts from a snapshot: it begins with the commands that ran. */
export async function beginJournal(draft: string, { commands }: SnapshotFacts, at: string): Promise<void> {
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const journal = await openNewJournal(draft);
  await Promise.all(adoptCarried(commands, new Set(), at).map((entry) => journal.append(entry)));
  await journal.close();
}

/** The journal of a new task. */
export async function openNewJournal(directory: string): Promise<Journal> {
  const opened = await openJournal(journalPath(directory));
  if (opened.kind === "journal") return opened.journal;
  throw new PyroError("INTERNAL", "A new journal could not be opened.");
}

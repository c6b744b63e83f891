import { dirname } from "node:path";

import { PyroError } from "../contract/errors.js";
import { fstatSync, open, readFile, syncDirectory, truncate } from "../host/files.js";
import { parseJournalLine, type JournalEntry } from "./journal-entry.js";

/** The first line of every journal. */
const HEADER = `{"format":1}\n`;

/** The result of reading a journal. Reading never changes the file. */
export type JournalReading =
  | { readonly kind: "journal"; readonly journal: Journal }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Opens a task's journal for appending, or a new one. Only one may be open for a path at a time. */
export async function openJournal(path: string): Promise<JournalReading> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "?";
    if (code !== "ENOENT") return unreadable(code);
    bytes = Buffer.alloc(0);
  }
  // Bytes after the last newline are incomplete: the writer died before it acknowledged them.
  const goodBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = decode(bytes.subarray(0, goodBytes))?.split("\n");
  if (lines === undefined) return unreadable("it is not UTF-8");
  lines.pop();
  const header = lines.shift();
  if (header !== undefined) {
    const format = formatOf(header);
    if (format === null) return unreadable("line 1 does not name a format");
    if (format > 1) return { kind: "newer", format };
  }
  const entries: JournalEntry[] = [];
  for (const [index, line] of lines.entries()) {
    const entry = parseJournalLine(line);
    if (typeof entry === "string") return unreadable(`line ${index + 2} ${entry}`);
    if (entry !== null) entries.push(entry);
  }
  return { kind: "journal", journal: new Journal(path, entries, goodBytes) };
}

interface Pending {
  readonly line: string;
  readonly onWritten: () => void;
  readonly resolve: () => void;
  readonly reject: (error: PyroError) => void;
}

/** The events of one task. An event is on disk before it is acknowledged. Keeps no file open between appends. */
export class Journal {
  /** The entries at opening, oldest first. */
  readonly entries: readonly JournalEntry[];
  readonly #path: string;
  /** Bytes that are whole lines and safely on disk; anything after them is cut off before more is written. */
  #goodBytes: number;
  #pending: Pending[] = [];
  #flushing: Promise<void> | null = null;
  #isClosed = false;

  constructor(path: string, entries: readonly JournalEntry[], goodBytes: number) {
    this.#path = path;
    this.entries = entries;
    this.#goodBytes = goodBytes;
  }

  /**
   * Resolves when the entry survives a power loss. Entries are written in the order of the calls; those that wait at
   * the same time share one sync. A failing append (DISK_FULL, for example) leaves no trace, and the journal stays usable.
   * `onWritten` is called earlier: when the entry survives the death of this process.
   */
  append(entry: JournalEntry, onWritten = () => {}): Promise<void> {
    if (this.#isClosed) return Promise.reject(new PyroError("INTERNAL", "The journal is closed."));
    const line = `${JSON.stringify(entry)}\n`;
    const appended = new Promise<void>((resolve, reject) => this.#pending.push({ line, onWritten, resolve, reject }));
    this.#flushing ??= this.#flush();
    return appended;
  }

  /** Waits for pending appends and closes the journal. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    await Promise.resolve(); // lets callers of the same moment join
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await this.#write(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(PyroError.from(error));
      }
    }
    this.#flushing = null;
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const lines = batch.map(({ line }) => line).join("");
    const isNew = this.#goodBytes === 0;
    const bytes = Buffer.from(isNew ? HEADER + lines : lines);
    const file = await open(this.#path, "a", 0o600);
    try {
      const { size } = fstatSync(file.fd);
      if (size < this.#goodBytes) throw new PyroError("INTERNAL", "Another process truncated a journal.");
      if (size > this.#goodBytes) await file.truncate(this.#goodBytes);
      await file.writeFile(bytes);
      for (const { onWritten } of batch) onWritten();
      await file.datasync();
      if (isNew) await syncDirectory(dirname(this.#path));
      this.#goodBytes += bytes.length;
    } catch (error) {
      // If this fails too, the next append or the next reader of the file cuts it off.
      if (!(error instanceof PyroError)) await truncate(this.#path, this.#goodBytes).catch(() => {});
      throw error;
    } finally {
      // Not awaited: the start and the end of a command wait for this method.
      file.close().catch(() => {});
    }
  }
}

function unreadable(reason: string): JournalReading {
  return { kind: "unreadable", reason: `journal.ndjson: ${reason}` };
}

/** Null when the file is not UTF-8, which means that it is damaged. */
function decode(bytes: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function formatOf(header: string): number | null {
  try {
    const { format } = JSON.parse(header) as { format?: unknown };
    return typeof format === "number" && Number.isInteger(format) && format >= 1 ? format : null;
  } catch {
    return null;
  }
}

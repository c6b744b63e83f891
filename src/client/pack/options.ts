import type { ArgumentsOf } from "../../contract/operations.js";
import type { PackReport } from "./report.js";

export interface PackOptions {
  readonly exclude?: readonly string[];
  readonly include?: readonly string[];
  /** How links that lead out of a directory are treated. */
  readonly links?: ArgumentsOf<"task.sync.push">["links"];
  /** Sends the files that Git tracks, and those that it does not ignore. */
  readonly gitTracked?: boolean;
  /** Sends each `.git` whole, wherever its data lies. */
  readonly withGit?: boolean;
  /** Sends an archive as the file that it is. */
  readonly asFile?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each entry that is found before anything is sent, with their number. */
  readonly onScan?: (entryCount: number) => void;
}

/** A source that is ready to be sent. */
export interface PackedSource {
  readonly kind: "directory" | "file" | "archive";
  /** The source's own path, links in it resolved. */
  readonly path: string;
  /** Bytes of all files' content, entries, and entries that the patterns left out, at the first walk; null for an archive. */
  readonly contentBytes: number | null;
  readonly entryCount: number | null;
  readonly excludedCount: number | null;
  /** Can be read once. Throws when a part of the source cannot be read. */
  readonly stream: AsyncIterable<Buffer>;
  /** Entries that were left out or changed; complete when the stream has been read. */
  readonly report: () => PackReport;
}

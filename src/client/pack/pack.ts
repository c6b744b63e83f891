export interface PackOptions {
  readonly exclude?: readonly string[];
  readonly include?: readonly string[];
  readonly signal?: AbortSignal;
  /** Called as the stream is read, at most a few times for each 256 KiB. */
  readonly onProgress?: (progress: PackProgress) => void;
}

export interface PackProgress {
  readonly entryCount: number;
  readonly bytes: number;
}

/** What is sent: its figures are known before the first byte is. */
export interface PackedSource {
  readonly kind: "directory" | "archive";
  /** The source's own path, links in it resolved. */
  readonly path: string;
  /** Bytes of the content of all files, told before the transfer; null for a gzipped archive. */
  readonly contentBytes: number | null;
  /** Bytes of the stream; an archive's is the size of its file. */
  readonly sizeBytes: number;
  /** Null for an archive: only reading it tells. */
  readonly entryCount: number | null;
  readonly excludedCount: number | null;
  /** Reading it to the end without an error is the proof that nothing changed meanwhile. */
  readonly stream: AsyncIterable<Uint8Array>;
}

/** Looks the source over, and names all that cannot be sent before a byte is. */
export declare function packSource(path: string, options?: PackOptions): Promise<PackedSource>;

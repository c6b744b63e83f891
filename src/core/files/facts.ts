/** A file's permissions as a person writes them. */
function renderMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

/** Permissions as a caller gave them: `0644`, `755`. */
export function parseMode(mode: string): number {
  return Number.parseInt(mode, 8);
}

/** A time of the guest's clock. A hostile guest may claim one that no date can hold: it becomes the beginning of time. */
function renderTime(seconds: number, nanoseconds: number): string {
  const date = new Date(seconds * 1_000 + Math.floor(nanoseconds / 1_000_000));
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** The facts of a file as results have them. */
export function viewFacts(facts: {
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
}) {
  return {
    size_bytes: facts.sizeBytes,
    mode: renderMode(facts.mode),
    modified_at: renderTime(facts.mtimeS, facts.mtimeNs),
  };
}

import ignore, { type Ignore } from "ignore";

/** Patterns in the syntax of `.gitignore`, relative to the root of the source. */
export interface FilterPatterns {
  readonly exclude?: readonly string[];
  /** Keeps entries that `exclude` matches. As in Git, entries below an excluded directory stay excluded. */
  readonly include?: readonly string[];
}

/** Decides which entries an import leaves out. */
export interface Filter {
  /** Whether a pattern leaves out this entry itself, if its directories are kept. */
  excludes(path: string, isDirectory: boolean): boolean;
  /** The excluded entry, or the first excluded directory above it, for counting; null when the entry is kept. */
  excludedRoot(path: string, isDirectory: boolean): string | null;
}

/** The matcher caches every path; it is recreated after this many paths. */
const REMEMBERED_PATHS = 4_096;

/** A filter over both lists: the excludes first, then each include as `!pattern`, the last match deciding. */
export function createFilter({ exclude = [], include = [] }: FilterPatterns): Filter | null {
  if (exclude.length === 0) return null;
  const patterns = [...exclude, ...include.map((pattern) => `!${pattern}`)].map((pattern) => ({ pattern }));
  let matcher: Ignore;
  let asked = REMEMBERED_PATHS;
  const excludes = (path: string, isDirectory: boolean) => {
    if (asked++ >= REMEMBERED_PATHS) {
      matcher = ignore({ ignorecase: false }).add(patterns);
      asked = 0;
    }
    return matcher.ignores(isDirectory ? `${path}/` : path);
  };
  const excludedRoot = (path: string, isDirectory: boolean) => {
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
      const directory = path.slice(0, end);
      if (excludes(directory, true)) return directory;
    }
    return excludes(path, isDirectory) ? path : null;
  };
  return { excludes, excludedRoot };
}

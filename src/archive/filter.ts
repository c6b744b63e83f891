import ignore, { type Ignore } from "ignore";

/** Patterns in the syntax of `.gitignore`, relative to the root of what is sent. */
export interface FilterPatterns {
  readonly exclude?: readonly string[];
  /** Takes back what `exclude` left out. As in Git, nothing below a directory that is left out comes back. */
  readonly include?: readonly string[];
}

/** Decides what is left out of an import. */
export interface Filter {
  /** Whether a pattern leaves out this very entry, its directories being kept. */
  excludes(path: string, isDirectory: boolean): boolean;
  /** The entry or the first directory above it that is left out, or null: what a count counts. */
  excludedRoot(path: string, isDirectory: boolean): string | null;
}

/** The matcher remembers every path it was asked about; it is made anew after so many. */
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

import { quoteCommand } from "../../../contract/quote.js";

/** The program of a process, and where it starts. */
export interface Program {
  readonly cmd: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly user: string;
  /** Names of the variables that the process is given. */
  readonly names: readonly string[];
}

/**
 * One line of shell that reports its process id and then becomes the program; or reports why it cannot. A report lies between the
 * bytes 1 and 2, before any output of the program.
 */
export function renderPrelude({ cmd, args, cwd, user, names }: Program): string {
  const program = quoteCommand([cmd]);
  const unset = ["SHELL", "LANG", "TERM"].filter((name) => !names.includes(name));
  return [
    `cd ${placeOf(cwd, user)} 2>/dev/null || { printf '\\001c\\002'; exit 0; }`,
    `command -v ${program} >/dev/null 2>&1 || { printf '\\001n\\002'; exit 0; }`,
    ...(unset.length > 0 ? [`unset ${unset.join(" ")}`] : []),
    `printf '\\001%d\\002' $$`,
    `exec ${quoteCommand([cmd, ...args])}`,
  ].join("; ");
}

/** A directory for `cd`: relative ones start at the user's home. */
function placeOf(cwd: string, user: string): string {
  const quoted = (path: string) => quoteCommand([path]);
  if (cwd.startsWith("/")) return quoted(cwd);
  const rest = cwd === "~" || cwd.startsWith("~/") ? cwd.slice(2) : cwd;
  return rest === "" ? `~${user}` : `~${user}/${quoted(rest)}`;
}

/** The report of a prelude: the id of the started process, or why none was started. */
export type Report = number | "no-directory" | "no-program";

/** Takes the report from the beginning of an output: the report, or null while it has not arrived whole, and the bytes after it. */
export function takeReport(bytes: Buffer): { readonly report: Report | null; readonly rest: Buffer } {
  const [start, end] = [bytes.indexOf(1), bytes.indexOf(2)];
  if (start === -1 || end < start) return { report: null, rest: bytes };
  const text = bytes.subarray(start + 1, end).toString("latin1");
  const report = text === "c" ? "no-directory" : text === "n" ? "no-program" : Number(text);
  return { report, rest: bytes.subarray(end + 1) };
}

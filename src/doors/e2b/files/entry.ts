import { basename } from "node:path";

import { ConnectError } from "../connect.js";
import { GuestError, numberIn, type GuestLine } from "../line-program.js";

/** A file as clients get it. */
export interface EntryInfo {
  readonly name: string;
  readonly type: "FILE_TYPE_FILE" | "FILE_TYPE_DIRECTORY" | "FILE_TYPE_SYMLINK" | "FILE_TYPE_UNSPECIFIED";
  readonly path: string;
  readonly size: string;
  readonly mode: number;
  readonly permissions: string;
  readonly owner: string;
  readonly group: string;
  readonly modifiedTime: string;
  readonly symlinkTarget?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const KIND = 0o170000;
const kinds: Readonly<Record<number, { readonly type: EntryInfo["type"]; readonly letters: string }>> = {
  0o100000: { type: "FILE_TYPE_FILE", letters: "" },
  0o040000: { type: "FILE_TYPE_DIRECTORY", letters: "d" },
  0o120000: { type: "FILE_TYPE_SYMLINK", letters: "L" },
  0o060000: { type: "FILE_TYPE_UNSPECIFIED", letters: "D" },
  0o020000: { type: "FILE_TYPE_UNSPECIFIED", letters: "Dc" },
  0o010000: { type: "FILE_TYPE_UNSPECIFIED", letters: "p" },
  0o140000: { type: "FILE_TYPE_UNSPECIFIED", letters: "S" },
};

/** The years 1 to 9999, which clients can read. */
const [LEAST_SECONDS, MOST_SECONDS] = [-62_135_596_800, 253_402_300_799];

/** The entry in a line of the guest's program; null when the line has none. */
export function readEntry(line: GuestLine | undefined): EntryInfo | null {
  const given = line?.["entry"];
  if (typeof given !== "object" || given === null) return null;
  const entry = given as GuestLine;
  const [path, mode] = [textOf(entry, "path"), numberOf(entry, "mode")];
  const target = entry["target"];
  const followed = typeof entry["target_mode"] === "number" ? entry["target_mode"] : mode;
  const metadata = entry["metadata"] as Record<string, string> | undefined;
  return {
    name: path === "/" ? "/" : basename(path),
    type: kinds[followed & KIND]?.type ?? "FILE_TYPE_UNSPECIFIED",
    path,
    size: String(numberOf(entry, "size")),
    mode: followed & 0o777,
    permissions: renderPermissions(mode),
    owner: textOf(entry, "owner"),
    group: textOf(entry, "group"),
    modifiedTime: renderTime(numberOf(entry, "mtime_s"), numberOf(entry, "mtime_ns")),
    ...(typeof target === "string" && { symlinkTarget: target }),
    ...(metadata && { metadata }),
  };
}

/** Permissions as Go prints them: letters of the type, then the nine bits. */
export function renderPermissions(mode: number): string {
  const { letters = "" } = kinds[mode & KIND] ?? {};
  const special = `${mode & 0o4000 ? "u" : ""}${mode & 0o2000 ? "g" : ""}${mode & 0o1000 ? "t" : ""}`;
  const bits = [..."rwxrwxrwx"].map((letter, index) => (mode & (0o400 >> index) ? letter : "-")).join("");
  return `${letters + special || "-"}${bits}`;
}

/** A time that a program of the guest has written: one out of range becomes that of 1970. */
function renderTime(seconds: number, nanoseconds: number): string {
  const isTime = seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS && nanoseconds >= 0 && nanoseconds < 1e9;
  const [whole, rest] = isTime ? [seconds, nanoseconds] : [0, 0];
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(rest).padStart(9, "0")}Z`;
}

function textOf(entry: GuestLine, name: string): string {
  return typeof entry[name] === "string" ? entry[name] : "";
}

function numberOf(entry: GuestLine, name: string): number {
  const value = numberIn(entry[name]);
  return Number.isSafeInteger(value) ? value : 0;
}

/** The error that a caller of a file method gets for a failure in the guest. */
export function fileErrorOf(error: unknown, path: string, user: string): ConnectError {
  if (!(error instanceof GuestError)) throw error;
  const text = (reason: string) => `${reason}: ${path}`;
  switch (error.code) {
    case "ENOENT":
      return new ConnectError("not_found", text("path not found"));
    case "EEXIST":
      return new ConnectError("already_exists", text("directory already exists"));
    case "ENOTDIR":
      return new ConnectError("invalid_argument", text("path is not a directory"));
    case "ELOOP":
      return new ConnectError("failed_precondition", text("cyclic symlink or chain of more than 40 links"));
    case "ENOUSER":
      return new ConnectError("unauthenticated", `invalid username: '${user}'`);
    case "EREMOTE":
      return new ConnectError("invalid_argument", text("path is on a network file system"));
    case "EISDIR":
    case "EINVAL":
    case "ENAMETOOLONG":
      return new ConnectError("invalid_argument", text(error.message));
    case "ENOSPC":
      return new ConnectError("resource_exhausted", text("no space left on the disk"));
    case "EMSGSIZE":
      return new ConnectError("resource_exhausted", text(error.message));
    case "GONE":
      return new ConnectError("unavailable", error.message);
    default:
      return new ConnectError("internal", text(error.message));
  }
}

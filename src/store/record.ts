import { basename } from "node:path";
import { z } from "zod";

import { explainIssue } from "../contract/explain-issue.js";
import { lstat, readFile } from "../host/files.js";

/** The result of reading a record. Damage is data, not an exception. */
export type RecordReading<Record> =
  | { readonly kind: "record"; readonly record: Record }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "unreadable"; readonly reason: string };

/** A task or VM with unusable files: the reason, and when the files were made. */
export interface Damage {
  readonly reason: string;
  /** UTC, ISO 8601. */
  readonly since: string;
}

const FORMAT = 1;
const versionedSchema = z.object({ format: z.int().min(1) });

/** Maximum size of a record that is read. */
const MAX_RECORD_BYTES = 1 << 20;

/** Reads a JSON record of this format from a file that should exist. */
export async function readRecord<Record>(path: string, schema: z.ZodType<Record>): Promise<RecordReading<Record>> {
  let json: unknown;
  try {
    const stat = await lstat(path);
    if (!stat.isFile()) return unreadable(path, "it is not a file");
    if (stat.size > MAX_RECORD_BYTES) return unreadable(path, "it is too long");
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return unreadable(path, error instanceof SyntaxError ? "it is not JSON" : (code ?? "?"));
  }
  const versioned = versionedSchema.safeParse(json);
  if (versioned.success && versioned.data.format > FORMAT) return { kind: "newer", format: versioned.data.format };
  const parsed = schema.safeParse(json);
  return parsed.success ? { kind: "record", record: parsed.data } : unreadable(path, firstIssue(parsed.error, json));
}

/** Why a file cannot be used, for people; null when it can be used. */
export function explainReading(reading: { kind: string; format?: number; reason?: string }): string | null {
  if (reading.kind === "newer") return `a newer pyro wrote it (format ${reading.format})`;
  return reading.kind === "unreadable" ? (reading.reason ?? null) : null;
}

/** Damage in a file, with its name. */
export function unreadable(path: string, reason: string): { kind: "unreadable"; reason: string } {
  return { kind: "unreadable", reason: `${basename(path)}: ${reason}` };
}

function firstIssue(error: z.ZodError, json: unknown): string {
  const issue = error.issues[0];
  if (issue === undefined) return "it has the wrong shape";
  return `${issue.path.join(".") || "the whole"}: ${explainIssue(issue, json)}`;
}

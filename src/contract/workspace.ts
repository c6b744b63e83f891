import { z } from "zod";

/** Fields of the operations on the files of a workspace. */

/** A file, directory or link as data; null when the path does not exist. */
export const workspaceEntry = z
  .object({
    type: z.enum(["file", "directory", "link"]),
    mode: z.int().nullable().describe("Permission bits; null for a link."),
    size_bytes: z.int().min(0).nullable().describe("Size of a file."),
    sha256: z.string().nullable().describe("SHA-256 of a file's content, in hexadecimal."),
    target: z.string().nullable().describe("Target of a link."),
  })
  .nullable();

export type WorkspaceEntry = z.output<typeof workspaceEntry>;

export const workspacePaths = z
  .array(z.string().min(1).max(4096))
  .max(1024)
  .default([])
  .describe("Files and directories beneath /workspace. Default: all of it.");

const patterns = z.array(z.string().min(1).max(4096)).max(1024).default([]).meta({ forPrograms: true });

export const workspaceFilter = {
  exclude: patterns.describe(
    "Leave out entries that match these .gitignore patterns. `.git` is left out unless `include` names it.",
  ),
  include: patterns.describe("Keep matching entries even if exclude, or the rule for `.git`, leaves them out."),
};

export const since = z
  .string()
  .min(1)
  .max(128)
  .default("push")
  .describe("State to compare with: `seed`, `push` (the last push or pull), or a snapshot's id or name.");

const change = z.object({
  path: z.string().describe("Relative to /workspace."),
  status: z
    .enum(["added", "deleted", "modified", "renamed", "mode_changed", "type_changed"])
    .describe("How the entry changed."),
  renamed_from: z.string().optional().describe("The former path of a renamed file."),
  additions: z.int().min(0).nullable().describe("Lines added; null when the content was not compared."),
  deletions: z.int().min(0).nullable().describe("Lines removed; null when the content was not compared."),
  before: workspaceEntry.describe("The entry in the base; null when the base has none."),
  after: workspaceEntry.describe("The entry in the workspace; null when the workspace has none."),
});

export const workspaceChange = change;

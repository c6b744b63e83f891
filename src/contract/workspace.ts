import { z } from "zod";

/** Fields of the operations on the files of a workspace. */

/** A file, directory or link as data; null: there is none. */
export const workspaceEntry = z
  .object({
    type: z.enum(["file", "directory", "link"]),
    mode: z.int().nullable().describe("Permission bits; null for a link."),
    size_bytes: z.int().min(0).nullable().describe("Of a file."),
    sha256: z.string().nullable().describe("Of a file's content, in hexadecimal."),
    target: z.string().nullable().describe("What a link holds."),
  })
  .nullable();

export type WorkspaceEntry = z.output<typeof workspaceEntry>;

export const workspacePaths = z
  .array(z.string().min(1).max(4096))
  .max(1024)
  .default([])
  .describe("Files and directories beneath /workspace; all of it when none is given.");

const patterns = z.array(z.string().min(1).max(4096)).max(1024).default([]).meta({ forPrograms: true });

export const workspaceFilter = {
  exclude: patterns.describe(
    "What to leave out, as patterns of .gitignore. `.git` is left out unless `include` names it.",
  ),
  include: patterns.describe("What to keep although a pattern of exclude, or the rule for `.git`, leaves it out."),
};

export const since = z
  .enum(["seed", "push"])
  .default("push")
  .describe("What to compare with: the workspace as the task was created, or as the last push or pull left it.");

const change = z.object({
  path: z.string().describe("Relative to /workspace."),
  status: z
    .enum(["added", "deleted", "modified", "renamed", "mode_changed", "type_changed"])
    .describe("What happened to the entry."),
  renamed_from: z.string().optional().describe("The former path of a renamed file."),
  additions: z.int().min(0).nullable().describe("Lines added; null when the content was not compared."),
  deletions: z.int().min(0).nullable().describe("Lines removed; null when the content was not compared."),
  before: workspaceEntry.describe("The entry that host and workspace had in common; null when there was none."),
  after: workspaceEntry.describe("The entry of the workspace; null when there is none."),
});

export const workspaceChange = change;

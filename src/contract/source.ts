import { z } from "zod";

/** Fields of vm.run, task.create and task.sync.push that describe the source of a workspace. The content follows the input. */

const patterns = z.array(z.string().min(1).max(4096)).max(1024).default([]);

export const sourcePath = z
  .string()
  .min(1)
  .max(4096)
  .describe("Directory, file, .tar, .tar.gz or .tgz on the client's machine. The client packs it.");

export const sourceFilter = {
  git_tracked: z
    .boolean()
    .default(false)
    .describe("Take only files of a source directory that Git tracks or does not ignore, without .git."),
  with_git: z
    .boolean()
    .default(false)
    .describe("Also send .git; complete for a worktree, a submodule and a clone that borrows objects."),
  exclude: patterns.describe("Leave out entries that match these .gitignore patterns; the result counts them."),
  include: patterns.describe("Keep matching entries even if exclude matches them."),
  links: z
    .enum(["keep", "skip", "follow", "refuse"])
    .optional()
    .describe(
      "Symlinks that point out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.",
    ),
};

/** Facts about the source that the packing client sends to the daemon. */
export const sourceFacts = {
  source_kind: z
    .enum(["directory", "file", "archive"])
    .default("archive")
    .describe("Type of the source path.")
    .meta({ hidden: true }),
  source_framed: z
    .boolean()
    .default(false)
    .describe("True when the archive is sent in pieces with other lines after it; else it fills the rest of the body.")
    .meta({ hidden: true }),
  source_bytes: z
    .int()
    .min(0)
    .optional()
    .describe("Total bytes of its files, if known before reading.")
    .meta({ hidden: true }),
  source_excluded: z
    .int()
    .min(0)
    .default(0)
    .describe("Number of entries that the client left out.")
    .meta({ hidden: true }),
};

/** Fields that the packing client adds to the result. */
export const sourceReport = {
  skipped_special: z.int().min(0).describe("Sockets, FIFOs and devices left out."),
  skipped_links: z.int().min(0).describe("Links left out because of `links`."),
  changed_entries: z.int().min(0).describe("Entries that changed or disappeared while they were read."),
};
export const warnings = z
  .array(z.string())
  .describe("Entries that were left out or that changed while they were read, with the first names.");

/** The absolute form of a directory beneath /workspace is found and checked by the core. */
export const destination = z.string().min(1).max(4096).default("/workspace").describe("Directory beneath /workspace.");

export const sourceMode = z.enum(["empty", "directory", "file", "archive"]);
export const entryCount = z.int().min(0).describe("Entries imported.");
export const bytesWritten = z.int().min(0).describe("Total bytes of the written files.");
export const excludedCount = z
  .int()
  .min(0)
  .describe("Entries left out by exclude; a directory with its content counts once.");
export const unchangedCount = z.int().min(0).describe("Entries that were equal and were not written.");
export const ignoredXattrCount = z
  .int()
  .min(0)
  .describe(
    "Archive entries whose extended attributes or access control lists were dropped; those of a directory are dropped uncounted.",
  );
export const deletedCount = z.int().min(0).describe("Entries deleted because the source no longer has them.");
export const keptCount = z.int().min(0).describe("Entries kept because the task has changed them.");

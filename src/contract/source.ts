import { z } from "zod";

/** What a workspace is filled from: fields of vm.run, task.create and task.sync.push. The content itself follows the input. */

const patterns = z.array(z.string().min(1).max(4096)).max(1024).default([]);

export const sourcePath = z
  .string()
  .min(1)
  .max(4096)
  .describe("Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it.");

export const sourceFilter = {
  exclude: patterns.describe("What to leave out, as patterns of .gitignore; what was left out is counted."),
  include: patterns.describe("What to take although a pattern of exclude names it."),
  links: z
    .enum(["keep", "skip", "follow", "refuse"])
    .optional()
    .describe("Links out of a source directory: keep (default), skip, follow or refuse. Archives: refuse."),
};

/** What the client that packs the source tells the daemon of it. */
export const sourceFacts = {
  source_kind: z
    .enum(["directory", "file", "archive"])
    .default("archive")
    .describe("What the source path is.")
    .meta({ hidden: true }),
  source_framed: z
    .boolean()
    .default(false)
    .describe("True when the archive follows in pieces and other lines behind it; else it fills the rest of the body.")
    .meta({ hidden: true }),
  source_bytes: z
    .int()
    .min(0)
    .optional()
    .describe("Bytes its files will take, when that is known before it is read.")
    .meta({ hidden: true }),
  source_excluded: z
    .int()
    .min(0)
    .default(0)
    .describe("How much the client has left out already.")
    .meta({ hidden: true }),
};

/** What the client that packs a source adds to the result. */
export const sourceReport = {
  skipped_special: z.int().min(0).describe("Sockets, FIFOs and devices left out."),
  skipped_links: z.int().min(0).describe("Links left out, as `links` asks."),
  changed_entries: z.int().min(0).describe("Entries that changed or disappeared while they were read."),
};
export const warnings = z.array(z.string()).describe("What was left out or may be torn, with the first names.");

/** The absolute form of a directory beneath /workspace is found and checked by the core. */
export const destination = z.string().min(1).max(4096).default("/workspace").describe("Directory beneath /workspace.");

export const sourceMode = z.enum(["empty", "directory", "file", "archive"]);
export const entryCount = z.int().min(0).describe("Entries imported.");
export const bytesWritten = z.int().min(0).describe("Bytes of their files.");
export const excludedCount = z
  .int()
  .min(0)
  .describe("Entries left out by exclude; a directory counts once, with all that is in it.");
export const unchangedCount = z.int().min(0).describe("Entries that were equal already and were not touched.");
export const ignoredXattrCount = z
  .int()
  .min(0)
  .describe("Entries of an archive whose extended attributes or access control lists were left out.");
export const deletedCount = z.int().min(0).describe("Entries that were deleted, since the source no longer has them.");
export const keptCount = z.int().min(0).describe("Entries that were not deleted, since the task has changed them.");

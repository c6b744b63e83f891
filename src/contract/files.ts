import { z } from "zod";

import { time } from "./fields.js";
import { limits } from "./limits.js";

/** Shapes that the operations on a guest's files share. */

export const filePath = z.string().min(1).describe("Path in the task's VM; a relative one starts at /workspace.");

export const fileUser = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe("User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.")
  .meta({ forPrograms: true });

const fileType = z.enum(["file", "directory", "symlink", "other"]);

const fileMode = z.string().describe("Permissions in octal, such as 0644.");

export const givenMode = z.string().regex(/^0?[0-7]{3}$/, "expected permissions in octal, such as 0644 or 755");

export const encoding = z.enum(["utf8", "base64"]).default("utf8");

export const fileFacts = {
  size_bytes: z.int().min(0).describe("Size of the file; 0 for one that the kernel makes up, as in /proc."),
  mode: fileMode,
  modified_at: time,
};

export const fileEntry = z.object({
  path: z.string().describe("Bytes that are not UTF-8 are lone surrogates, as in Python's `os.fsdecode`."),
  type: fileType,
  ...fileFacts,
  target: z.string().nullable().describe("Where a symlink points; null for anything else."),
});

export const lineNumber = z.int().min(1);

export const numberedText = z.string().describe("Lines, each with its number and a tab before it.");

export const { fileListEntries, fileReadBytes, fileViewLines } = limits;

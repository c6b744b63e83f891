import { z } from "zod";

import { limits } from "./limits.js";

/** The preparation of a task, whose result is kept for later tasks. */

export const setup = z
  .string()
  .min(1)
  .max(limits.commandBytes)
  .optional()
  .describe("Command that prepares the task. It runs once, and later tasks with the same setup start from its result.")
  .meta({ forPrograms: true });

export const setupKey = z
  .array(z.string().min(1).max(4_096))
  .max(100)
  .default([])
  .describe("File of this machine, such as a lock file. The setup runs again when its content changes.")
  .meta({ forPrograms: true });

export const setupDigest = z
  .string()
  .max(128)
  .optional()
  .describe("Digest of the key files, which the client reads.")
  .meta({ hidden: true });

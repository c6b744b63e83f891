import { z } from "zod";

import { time } from "./fields.js";

/** Which QEMU starts the next VM, and what is in the home. */
export const toolchain = z.object({
  qemu_source: z
    .enum(["host", "private"])
    .nullable()
    .describe("Where the QEMU of the next VM comes from; null when there is none."),
  qemu_version: z.string().nullable(),
  qemu_path: z.string().nullable(),
  installed: z
    .object({
      id: z.string().describe("A digest of its packages."),
      path: z.string(),
      qemu_version: z.string(),
      suite: z.string().describe("The Debian release that its packages are of."),
      installed_at: time,
      size_bytes: z.int(),
      packages: z.array(z.object({ name: z.string(), version: z.string() })),
    })
    .nullable()
    .describe("The private toolchain of this home; null when there is none."),
});

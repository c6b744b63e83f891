import { z } from "zod";

import { time } from "./fields.js";

/** The QEMU that starts the next VM, and the private toolchain. */
export const toolchain = z.object({
  qemu_source: z
    .enum(["host", "private"])
    .nullable()
    .describe("Origin of the QEMU for the next VM; null when there is no QEMU."),
  qemu_version: z.string().nullable(),
  qemu_path: z.string().nullable(),
  installed: z
    .object({
      id: z.string().describe("A digest of its packages."),
      path: z.string(),
      qemu_version: z.string(),
      suite: z.string().describe("Debian release of its packages."),
      installed_at: time,
      size_bytes: z.int(),
      packages: z.array(z.object({ name: z.string(), version: z.string() })),
    })
    .nullable()
    .describe("The private toolchain of this home; null when it is not installed."),
});

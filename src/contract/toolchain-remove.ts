import { z } from "zod";

import { defineOperation } from "./operation.js";

export const toolchainRemove = defineOperation({
  name: "toolchain.remove",
  summary: "Remove the private toolchain, and use the host's QEMU",
  effect: "removes",
  input: z.strictObject({}),
  output: z.object({
    removed: z.array(z.string()).describe("Ids of the toolchains that were removed."),
    kept: z.array(z.string()).describe("Ids of toolchains that running VMs use; `pyro env prune` removes them later."),
    freed_bytes: z.int(),
  }),
  cli: { words: ["toolchain", "remove"], positionals: [] },
  sdk: null,
  mcp: null,
});

import { z } from "zod";

import { defineOperation } from "./operation.js";
import { toolchain } from "./toolchain.js";

export const toolchainInstall = defineOperation({
  name: "toolchain.install",
  summary: "Fetch a newer QEMU as signed packages, without root",
  details:
    "QEMU and its tools come from Debian 13. Running VMs keep their QEMU. Fails with `TOOLCHAIN_INSTALL_FAILED`; then the toolchain in use stays.",
  effect: "creates",
  input: z.strictObject({}),
  output: toolchain.extend({
    changed: z.boolean().describe("False when the newest version was already in use."),
  }),
  streams: true,
  cli: { words: ["toolchain", "install"], positionals: [] },
  sdk: null,
  mcp: null,
});

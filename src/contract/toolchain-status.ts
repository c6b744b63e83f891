import { z } from "zod";

import { defineOperation } from "./operation.js";
import { toolchain } from "./toolchain.js";

export const toolchainStatus = defineOperation({
  name: "toolchain.status",
  summary: "Show which QEMU is used",
  effect: "reads",
  input: z.strictObject({}),
  output: toolchain,
  cli: { words: ["toolchain", "status"], positionals: [] },
  sdk: null,
  mcp: null,
});

import { z } from "zod";

import { environment } from "./environment.js";
import { savedName } from "./env-save.js";
import { defineOperation } from "./operation.js";

const file = z.string().min(1).max(4_096);

export const envExport = defineOperation({
  name: "env.export",
  summary: "Write an environment that was saved as a disk into one file",
  details:
    "The file is a tar archive with everything that another host needs. The daemon writes it: over HTTP the path is absolute. Fails with `FAILED_PRECONDITION` for an environment with memory, which only this host can use, and with `FILE_EXISTS` when the file exists.",
  effect: "creates",
  input: z.strictObject({
    environment: savedName.describe("Name of a saved environment."),
    output: file.describe("File that is made."),
  }),
  output: z
    .object({ environment: z.string(), output: z.string(), size_bytes: z.int() })
    .meta({ title: "ExportedEnvironment", description: "A file with an environment." }),
  streams: true,
  cli: {
    words: ["env", "export"],
    positionals: ["environment"],
    examples: ["pyro env export web:files --output web.pyro.tar"],
  },
  sdk: { method: "exportEnvironment" },
  mcp: null,
});

export const envImport = defineOperation({
  name: "env.import",
  summary: "Add an environment from an exported file",
  details:
    "Every byte is compared with its digest. The daemon reads the file: over HTTP the path is absolute. Fails with `ALREADY_EXISTS` when an environment has the name, with `ENVIRONMENT_CORRUPT` when the file is damaged or of a newer pyro.",
  effect: "creates",
  input: z.strictObject({
    file: file.describe("File to read."),
    name: savedName.optional().describe("Name of the environment; by default the one that it had."),
  }),
  output: environment,
  streams: true,
  cli: {
    words: ["env", "import"],
    positionals: ["file"],
    examples: ["pyro env import web.pyro.tar", "pyro env import web.pyro.tar --name web:monday"],
  },
  sdk: { method: "importEnvironment" },
  mcp: null,
});

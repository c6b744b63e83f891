import { z } from "zod";

import { environment } from "./environment.js";
import { environmentName } from "./fields.js";
import { defineOperation } from "./operation.js";

export const envPull = defineOperation({
  name: "env.pull",
  summary: "Build an environment on this host, from signed packages or an image",
  details:
    "An installed environment is verified, and repaired if damaged. Fails with `ENVIRONMENT_UNKNOWN` for a name or file that does not exist, `ENVIRONMENT_BUILD_FAILED`, and an `ARCHIVE_` code for a layer that cannot be applied.",
  effect: "creates",
  input: z.strictObject({
    environment: environmentName,
    rebuild: z.boolean().default(false).describe("Build it again, with newer packages or from the image as it is now."),
  }),
  output: environment
    .extend({
      repaired: z.boolean().describe("True when a damaged copy was replaced."),
      built: z.boolean().describe("False when it was already installed."),
    })
    .meta({ title: "PulledEnvironment", description: "An installed and verified environment." }),
  streams: true,
  cli: {
    words: ["env", "pull"],
    positionals: ["environment"],
    examples: [
      "pyro env pull debian:12",
      "pyro env pull debian:12 --rebuild",
      "pyro env pull docker-archive:image.tar",
    ],
  },
  sdk: { method: "pullEnvironment", optionsType: "PullOptions" },
  mcp: null,
});

import { z } from "zod";

import { environment } from "./environment.js";
import { environmentName } from "./fields.js";
import { defineOperation } from "./operation.js";

export const envPull = defineOperation({
  name: "env.pull",
  summary: "Pull an image, or build an environment from signed packages",
  details:
    "An installed environment is verified, and repaired if damaged. The tag of a registry is compared with the installed image; only `update` takes another one. Fails with `ENVIRONMENT_UNKNOWN` for a name or file that does not exist, `ENVIRONMENT_BUILD_FAILED`, a `REGISTRY_` code, and an `ARCHIVE_` code for a layer that cannot be applied.",
  effect: "creates",
  input: z.strictObject({
    environment: environmentName,
    rebuild: z.boolean().default(false).describe("Build it again, with newer packages or from the image as it is now."),
    update: z.boolean().default(false).describe("Take the image that the tag names in its registry now."),
    plain_http: z.boolean().default(false).describe("Ask a registry on this host's loopback without TLS."),
  }),
  output: environment
    .extend({
      repaired: z.boolean().describe("True when a damaged copy was replaced."),
      built: z.boolean().describe("False when it was already installed."),
      registry_checked: z
        .boolean()
        .optional()
        .describe("False when the registry did not tell what the tag of an installed image names now."),
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
      "pyro env pull ghcr.io/me/tool:1",
    ],
  },
  sdk: { method: "pullEnvironment", optionsType: "PullOptions" },
  mcp: null,
});

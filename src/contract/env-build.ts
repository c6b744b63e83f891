import { z } from "zod";

import { environment } from "./environment.js";
import { savedName } from "./env-save.js";
import { diskMib, environmentName, memMib, taskEnv, user, vcpuCount } from "./fields.js";
import { limits } from "./limits.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { sourceFacts, sourcePath } from "./source.js";

const path = z.string().min(1).max(4_096);
const commandLine = z
  .string()
  .min(1)
  .max(limits.commandBytes)
  .refine((line) => !line.includes("\0"), "no NUL bytes");
const sourceId = z.string().regex(/^source-[0-9a-f]{12}$/);

/** A packed source for a later build. Clients send one for each `copy`, since one request carries one archive. */
export const envBuildSource = defineOperation({
  name: "env.build.source",
  summary: "Send files that a build copies into an environment",
  details:
    "The daemon keeps them until the build that names them has ended, and for at most ten minutes before it. Fails with the code of the first problem in the archive (`ARCHIVE_…`).",
  effect: "creates",
  input: z.strictObject({ source_path: sourcePath, ...sourceFacts }),
  output: z.object({ source: sourceId.describe("Id for `copies` of env.build."), entry_count: z.int().min(0) }),
  streams: true,
  body: "upload",
  cli: null,
  sdk: null,
  mcp: null,
});

const step = z
  .object({
    text: z.string().describe("The step, such as `run apt-get install …`."),
    cached: z.boolean().describe("True when an earlier build had its result."),
  })
  .meta({ title: "BuildStep", description: "A step of a build." });

export const envBuild = defineOperation({
  name: "env.build",
  summary: "Build an environment on top of another one",
  details:
    "The steps run as root in `/`, in this order: the variables, the copies, the commands, the script, the working directory. The result of each is kept: a later build continues after the last step that an earlier one has in common with it. A second build of the name replaces the first when it succeeds. Fails with `ENVIRONMENT_BUILD_FAILED` and the output of the step, with `ALREADY_EXISTS` when an environment that was not built has the name, with the codes of a run, and with those of a push for a source.",
  effect: "creates",
  input: z.strictObject({
    name: savedName.describe("Name of the environment."),
    from: environmentName.describe("Environment or image to begin with."),
    copy: z
      .array(path)
      .max(100)
      .default([])
      .describe("SRC:DEST: copy a file, or the content of a directory, of this machine to this path of the guest."),
    run: z.array(commandLine).max(100).default([]).describe("Command line to run."),
    script: path.optional().describe("Script of this machine to run: with its #! line, else by /bin/sh."),
    env: taskEnv.describe("Environment of all commands, in the build and later."),
    user: user.describe("User of the environment's commands, as NAME, UID or USER:GROUP. Default: that of `from`."),
    workdir: path
      .refine((given) => given.startsWith("/"), "expected an absolute path")
      .optional()
      .describe(
        "Directory in which the environment's commands start; made when it is missing. Default: that of `from`.",
      ),
    vcpu_count: vcpuCount,
    mem_mib: memMib,
    disk_mib: diskMib.describe("Maximum that a VM of the environment may write, in MiB."),
    ...networkFields,
    copies: z
      .array(z.strictObject({ source: sourceId, to: path }))
      .max(100)
      .default([])
      .describe("The packed sources of `copy`, in its order.")
      .meta({ hidden: true }),
    script_content: z
      .string()
      .max(limits.scriptBytes)
      .optional()
      .describe("Content of `script`, which the client reads.")
      .meta({ hidden: true }),
  }),
  output: environment
    .extend({
      built: z.boolean().describe("False when every step had its result already."),
      steps: z.array(step),
    })
    .meta({ title: "BuiltEnvironment", description: "An environment that a build has made." }),
  streams: true,
  cli: {
    words: ["env", "build"],
    positionals: ["name"],
    examples: [
      "pyro env build app:1 --from debian:12 --copy .:/app --run 'make -C /app'",
      "pyro env build db --from debian:12 --network --script install-db.sh",
      "pyro env build web --from python:3.12 --user 1000 --workdir /srv",
    ],
  },
  sdk: { method: "buildEnvironment", named: ["from"] },
  mcp: null,
});

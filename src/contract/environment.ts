import { z } from "zod";

import { time } from "./fields.js";

/** One environment, as env list and env inspect return it. */
export const environment = z
  .object({
    name: z.string(),
    version: z.string().describe("Version of the recipe."),
    description: z.string(),
    installed: z.boolean(),
    distribution: z.string().describe("Distribution and release, such as debian 12."),
    architecture: z.string(),
    default_packages: z.array(z.string()).describe("Packages that the recipe names."),
    npm_packages: z
      .array(z.object({ name: z.string(), version: z.string(), integrity: z.string() }))
      .optional()
      .describe("Its npm packages, each with the digest that it was verified against."),
    source: z.string().describe("Origin of its packages, or its image's reference."),
    source_digest: z.string().optional().describe("Digest that the reference had in its registry when it was pulled."),
    moved_to: z.string().optional().describe("Digest that the tag has in its registry now, as a later pull found."),
    image: z
      .object({
        digest: z.string().describe("Digest of the image's manifest, or of its configuration in an archive of Docker."),
        env: z.array(z.string()).describe("Variables, as NAME=VALUE; each command has them."),
        working_dir: z
          .string()
          .describe(
            "Working directory; `/` stands for /workspace. Commands start there, unless a source fills the workspace.",
          ),
        user: z.string().describe("User of a container; commands run as this user."),
        entrypoint: z.array(z.string()).describe("Entry point of a container; pyro does not use it."),
        command: z.array(z.string()).describe("Default command of a container; pyro does not use it."),
      })
      .optional()
      .describe("Configuration of an installed container image."),
    saved: z
      .object({
        memory: z.boolean().describe("True when its processes continue in each VM."),
        environment: z.string().describe("Environment below it."),
        task_id: z.string().nullable(),
        snapshot_id: z.string().nullable(),
        vcpu_count: z.int().nullable().describe("Size of every VM of it; null when any will do."),
        mem_mib: z.int().nullable(),
        disk_mib: z.int(),
        network: z.boolean().nullable(),
        unusable: z.string().nullable().describe("Why no VM can start from it here."),
      })
      .optional()
      .describe("Origin of an environment that was saved from a task."),
    built: z
      .object({
        base: z.string().describe("Environment that the build began with."),
        user: z.string().describe("User of its commands."),
        workdir: z.string().describe("Directory in which its commands start; `/` stands for /workspace."),
        steps: z.array(z.string()),
      })
      .optional()
      .describe("Origin of an environment that env.build has made."),
    digest: z.string().optional().describe("Digest of the installed content."),
    size_bytes: z.int().optional().describe("Bytes on this disk."),
    pulled_at: time.optional(),
  })
  .meta({ title: "Environment", description: "Recipe, origin and size of one environment." });

export type Environment = z.infer<typeof environment>;

import { posix } from "node:path";

import { z } from "zod";

import type { ImageConfig } from "../manifest.js";

/** The documents of the OCI image format, and Docker's equivalents; unneeded fields are ignored. */

const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, "expected sha256: and 64 hex digits");

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: digestSchema,
  size: z.int().min(0),
  platform: z.object({ architecture: z.string(), os: z.string(), variant: z.string().optional() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type Descriptor = z.infer<typeof descriptor>;

export const indexSchema = z.object({ manifests: z.array(descriptor).max(1000) });
export const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor).max(1000) });
export const archiveSchema = z
  .array(
    z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).max(1000) }),
  )
  .max(1000);

const strings = z.array(z.string()).nullish();
export const configSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  config: z
    .object({
      Env: strings,
      WorkingDir: z.string().max(4_095).nullish(),
      User: z.string().max(256).nullish(),
      Entrypoint: strings,
      Cmd: strings,
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(digestSchema).max(1000) }),
});
export type ImageDocument = z.infer<typeof configSchema>;

/** The kept part of an image's configuration. */
export function configOf({ config }: ImageDocument, digest: string): ImageConfig {
  return {
    digest,
    env: config?.Env ?? [],
    working_dir: posix.resolve("/", config?.WorkingDir || "/"),
    user: config?.User || "root",
    entrypoint: config?.Entrypoint ?? [],
    command: config?.Cmd ?? [],
  };
}

/** The variables that a line of /etc/environment can hold; others have line breaks or no name. */
export function variablesOf({ env }: Pick<ImageConfig, "env">): string[] {
  return env.flatMap((variable) => {
    const [, name, value = ""] = /^([A-Za-z_][A-Za-z0-9_]*)=([^\n\0]*)$/.exec(variable) ?? [];
    if (name === undefined) return [];
    return [/^["'\s]|\s$/.test(value) ? `${name}="${value}"` : `${name}=${value}`];
  });
}

/** Whether a full name, such as `docker.io/me/tool:1`, matches a tag such as `1`, `tool:1` or `me/tool:1`. */
export function isTag(name: string, tag: string): boolean {
  return name === tag || name.endsWith(`:${tag}`) || name.endsWith(`/${tag}`);
}

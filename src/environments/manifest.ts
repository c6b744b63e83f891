import { createHash } from "node:crypto";
import { z } from "zod";

/** Schemas of the files on disk. They allow unknown fields, which newer versions may have written. */

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const sizeBytes = z.int().min(0);

/** An image's own configuration, and the digest of its manifest, or of its configuration in an archive of Docker. */
const imageConfigSchema = z.object({
  digest: z.string(),
  env: z.array(z.string()),
  working_dir: z.string(),
  user: z.string(),
  entrypoint: z.array(z.string()),
  command: z.array(z.string()),
});
export type ImageConfig = Readonly<z.infer<typeof imageConfigSchema>>;

/** The digest of the manifest or index to which an image's reference led when it was pulled. */
const originSchema = z.object({ digest: z.string() });
export type Origin = Readonly<z.infer<typeof originSchema>>;

const manifestSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  version: z.string(),
  kernel_version: z.string(),
  packages: z.array(z.object({ name: z.string(), version: z.string() })),
  distribution: z.string().optional(),
  image: imageConfigSchema.optional(),
  origin: originSchema.optional(),
  layers: z.array(z.string()).optional(),
  files: z.array(z.object({ name: z.string().regex(/^[a-z0-9.-]+$/), size_bytes: sizeBytes, sha256: digest })),
});

/** The record of a finished build, `manifest.json`. */
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

const installationSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  digest,
  pulled_at: z.iso.datetime(),
  /** The digest that the reference had in its registry when a later pull asked, if it was another one. */
  moved_to: z.string().optional(),
  /** Sizes and times of the files when their digests were last right. */
  files: z.array(z.object({ name: z.string(), size_bytes: sizeBytes, mtime_ms: z.number(), ctime_ms: z.number() })),
});

/** Which content a name stands for, in `names/NAME.json`. */
export type Installation = Readonly<z.infer<typeof installationSchema>>;

/** The digest of an environment is its manifest's, which contains the digests of all other files. */
export function digestOfManifest(bytes: string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Null when it is not a manifest. */
export function parseManifest(bytes: string): Manifest | null {
  return manifestSchema.safeParse(parseJson(bytes)).data ?? null;
}

/** Null when it is not a record of an installation. */
export function parseInstallation(bytes: string): Installation | null {
  return installationSchema.safeParse(parseJson(bytes)).data ?? null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

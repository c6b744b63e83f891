import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { type MadeImage, writeLayout } from "../environments/image/saved.js";

/** The layout that a reference is pushed from. */
export function layoutOf(directory: string, reference: string): string {
  return join(directory, "layouts", reference.replaceAll(/\W/g, "-"));
}

/** Pushes an image to a registry as skopeo does, by way of a layout in this directory. Returns its reference. */
export function pushImage(
  directory: string,
  image: MadeImage,
  reference: string,
  flags: readonly string[] = ["--dest-tls-verify=false"],
): string {
  const layout = layoutOf(directory, reference);
  mkdirSync(layout, { recursive: true });
  writeLayout(layout, { latest: image });
  const words = ["--insecure-policy", "copy", ...flags, `oci:${layout}:latest`, `docker://${reference}`];
  execFileSync("skopeo", words, { stdio: ["ignore", "ignore", "inherit"] });
  return reference;
}

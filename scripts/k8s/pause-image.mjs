// Builds the image of a pod's sandbox, localhost/pause:1, as an archive in a directory: one static program.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { tarDirectory, writeImage } from "../image/oci.mjs";

const [directory] = process.argv.slice(2);
const work = mkdtempSync(join(tmpdir(), "pyro-pause-"));
try {
  const layer = join(work, "layer");
  mkdirSync(layer);
  const source = join(import.meta.dirname, "pause.c");
  execFileSync("musl-gcc", ["-static", "-Os", "-Wall", "-Wextra", "-Werror", "-s", "-o", join(layer, "pause"), source]);
  const path = join(work, "layer.tar");
  tarDirectory(layer, path, 0);
  const config = { architecture: "amd64", os: "linux", config: { Entrypoint: ["/pause"] } };
  const layers = [{ path, comment: "pause" }];
  const file = join(directory, "pause.tar");
  await writeImage({ layers, config, reference: "localhost/pause:1", epoch: 0, work, file });
} finally {
  rmSync(work, { recursive: true });
}

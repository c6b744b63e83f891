import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { openEnvironmentCache } from "../../../src/environments/cache.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { mountingTest } from "../../client/mounting-test.js";
import { temporaryDirectory } from "../fake-source.js";
import { json, makeImage, sha256 } from "../image/saved.js";
import { ImageSource, pull } from "./cache.js";
import { registryDouble } from "./double.js";

const MIB = 1_048_576;
const MEMBER_MIB = 32;

/** A layer of 4 GiB in 4 MiB: a file whose bytes are all the same, in many members of gzip. */
function bomb(): Buffer {
  const header = tar({ ...file("bomb"), patch: [[124, `${(4096 * MIB).toString(8).padStart(11, "0")}\0`]] });
  const member = gzipSync(Buffer.alloc(MEMBER_MIB * MIB, 1));
  return Buffer.concat([gzipSync(header.subarray(0, 512)), ...Array<Buffer>(4096 / MEMBER_MIB).fill(member)]);
}

mountingTest(
  import.meta.url,
  "a decompression bomb ends before the disk is full, and leaves nothing",
  async (context) => {
    const mountPoint = await temporaryDirectory(context);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=192m", "pyro-test", mountPoint]);
    try {
      const cache = await openEnvironmentCache({ directory: join(mountPoint, "cache"), source: new ImageSource() });
      await pull(cache, "debian:12");
      const registry = await registryDouble(context);
      const [layer, image] = [bomb(), makeImage([tar(file("a"))])];
      const manifest = {
        schemaVersion: 2,
        config: { digest: sha256(image.config), size: image.config.length },
        layers: [{ digest: sha256(layer), size: layer.length }],
      };
      registry.push({ ...image, blobs: new Map([...image.blobs, [sha256(layer), layer]]) });
      registry.tag("latest", json(manifest), "application/vnd.oci.image.manifest.v1+json");
      await assert.rejects(pull(cache, `${registry.host}/me/tool`), { code: "DISK_FULL" });
      assert.deepEqual(await readdir(join(mountPoint, "cache", "tmp")), []);
      assert.equal((await readdir(join(mountPoint, "cache", "content"))).length, 1);
      assert.ok(await cache.find("debian:12"));
    } finally {
      execFileSync("umount", [mountPoint]);
    }
  },
);

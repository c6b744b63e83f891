import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";

import { openEnvironmentCache } from "../../../src/environments/cache.js";
import { openDockerArchive } from "../../../src/environments/image/docker-archive.js";
import { pax, tar } from "../../archive/raw-tar.js";
import { directory as folder, file, symlink } from "../../archive/specimen.js";
import { mountingTest } from "../../client/mounting-test.js";
import { pull, temporaryDirectory } from "../fake-source.js";
import { ImageSource } from "./image-source.js";
import { askDebugfs, checkFileSystem } from "./files.js";
import { dockerArchive, json, makeImage, sha256, writeBlob, writeLayout } from "./saved.js";

const release = file("etc/os-release", 'NAME="Tiny"\nID=tiny\nVERSION_ID="3.1"\n');
const layers = [tar(file("bin/tool", "tool"), file("gone"), release), tar(file(".wh.gone", ""), file("new", "new"))];

async function open(context: TestContext) {
  return openIn(await temporaryDirectory(context));
}

async function openIn(directory: string) {
  const cache = await openEnvironmentCache({ directory: join(directory, "cache"), source: new ImageSource() });
  return { directory, cache };
}

test("an image of a directory becomes an environment with the kernel of an installed one", async (context) => {
  const { directory, cache } = await open(context);
  await pull(cache, "debian:12");
  writeLayout(directory, { latest: makeImage(layers) });
  const { environment, built } = await pull(cache, `oci:${directory}`);
  assert.equal(built, true);
  checkFileSystem(environment.rootPath);
  assert.equal(readFileSync(environment.kernelPath, "utf8"), "kernel");
  assert.equal(askDebugfs(environment.rootPath, "cat /new"), "new");
  assert.match(askDebugfs(environment.rootPath, "ls /"), /workspace/);
  assert.doesNotMatch(askDebugfs(environment.rootPath, "ls /"), /gone/);
  assert.equal(askDebugfs(environment.rootPath, "cat /etc/environment"), 'PATH=/bin\nGREETING="hello you "\n');
  const { distribution, image, kernel_version } = environment.manifest;
  assert.deepEqual(
    [distribution, kernel_version, image?.user, image?.working_dir],
    ["tiny 3.1", "6.1", "1000", "/srv"],
  );
  assert.deepEqual(await cache.listReferences(), [`oci:${directory}`]);
  assert.equal((await pull(cache, `oci:${directory}`)).built, false);
});

test("places where the agent mounts file systems are directories, whatever the image has there", async (context) => {
  const { directory, cache } = await open(context);
  const odd = [symlink("dev", "/etc"), file("proc"), symlink("tmp", "/var/tmp"), symlink("workspace", "workspace")];
  writeLayout(directory, { latest: makeImage([tar(...odd, symlink("etc", "usr/etc"), folder("usr/etc"))]) });
  const { environment } = await pull(cache, `oci:${directory}`);
  checkFileSystem(environment.rootPath);
  for (const name of ["dev", "proc", "run", "sys", "tmp", "workspace"])
    assert.match(askDebugfs(environment.rootPath, `stat /${name}`), /Type: directory/, name);
  assert.match(askDebugfs(environment.rootPath, "stat /etc"), /Type: symlink/);
});

test("a relative working directory begins at the root", async (context) => {
  const { directory, cache } = await open(context);
  writeLayout(directory, { latest: makeImage(layers, { WorkingDir: "app/../srv" }) });
  const { environment } = await pull(cache, `oci:${directory}`);
  assert.equal(environment.manifest.image?.working_dir, "/srv");
});

test("a root file system and an archive of Docker, compressed or not, give the same files", async (context) => {
  const { directory, cache } = await open(context);
  const archive = dockerArchive(makeImage(layers), ["docker.io/me/tool:1"]);
  for (const [name, bytes] of [
    ["d.tar", archive],
    ["d.tar.gz", gzipSync(archive)],
    ["r.tar", layers[1] ?? archive],
  ] as const)
    writeFileSync(join(directory, name), bytes);
  for (const reference of [
    "docker-archive:d.tar",
    "docker-archive:d.tar:me/tool:1",
    "docker-archive:d.tar.gz:1",
    "rootfs:r.tar",
  ]) {
    const { environment } = await pull(cache, reference.replace(":", `:${directory}/`));
    checkFileSystem(environment.rootPath);
    assert.equal(askDebugfs(environment.rootPath, "cat /new"), "new");
    assert.equal(askDebugfs(environment.rootPath, "cat /bin/tool"), reference.startsWith("rootfs") ? "" : "tool");
  }
});

test("an environment is removed by its reference, once", async (context) => {
  const { directory, cache } = await open(context);
  writeLayout(directory, { latest: makeImage(layers) });
  const reference = `oci:${directory}`;
  const { environment } = await pull(cache, reference);
  const release = cache.hold(environment.digest);
  await assert.rejects(cache.remove(reference), { code: "FAILED_PRECONDITION" });
  release();
  const { digest, freedBytes } = await cache.remove(reference);
  assert.equal(digest, environment.digest);
  assert.ok(freedBytes > 4096);
  assert.equal(await cache.find(reference), null);
  await assert.rejects(cache.remove(reference), { code: "ENVIRONMENT_UNKNOWN" });
});

test("a pull is cancelled while an archive is unpacked or read", async (context) => {
  const directory = await temporaryDirectory(context);
  const archive = dockerArchive(makeImage(layers), []);
  for (const bytes of [archive, gzipSync(archive)]) {
    const path = join(directory, "d.tar");
    writeFileSync(path, bytes);
    const options = { spare: join(directory, "spare"), signal: AbortSignal.abort() };
    await assert.rejects(openDockerArchive(path, null, options), { name: "AbortError" });
  }
});

mountingTest(import.meta.url, "an archive is not unpacked where it would fill the disk", async (context) => {
  const mountPoint = await temporaryDirectory(context);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=100m", "pyro-test", mountPoint]);
  try {
    const { directory, cache } = await openIn(mountPoint);
    const archive = dockerArchive(makeImage([tar({ name: "a", content: Buffer.alloc(60_000_000) })]), []);
    writeFileSync(join(directory, "d.tar.gz"), gzipSync(archive, { level: 1 }));
    await assert.rejects(pull(cache, `docker-archive:${directory}/d.tar.gz`), { code: "DISK_FULL" });
    assert.deepEqual(readdirSync(join(directory, "cache", "tmp")), []);
  } finally {
    execFileSync("umount", [mountPoint]);
  }
});

/** Puts a FIFO where a file is or could be. */
function makeFifo(path: string): void {
  rmSync(path, { force: true });
  execFileSync("mkfifo", [path]);
}

/** A defect, its code, and the reason in the error's details. */
const wrong: readonly (readonly [
  what: string,
  code: string,
  reason: string | undefined,
  make: (directory: string) => string,
])[] = [
  ["a directory that does not exist", "ENVIRONMENT_UNKNOWN", "not_found", (at) => `oci:${at}/none`],
  ["an archive that does not exist", "ENVIRONMENT_UNKNOWN", "not_found", (at) => `docker-archive:${at}/none.tar`],
  ["a root file system that does not exist", "ENVIRONMENT_UNKNOWN", "not_found", (at) => `rootfs:${at}/none.tar`],
  [
    ...(["a tag that does not exist", "ENVIRONMENT_UNKNOWN", "not_found"] as const),
    (at) => (writeLayout(at, { one: makeImage(layers) }), `oci:${at}:two`),
  ],
  [
    ...(["no tag, of several", "ENVIRONMENT_UNKNOWN", "not_found"] as const),
    (at) => (writeLayout(at, { one: makeImage(layers), two: makeImage([]) }), `oci:${at}`),
  ],
  [
    ...(["another architecture", "ENVIRONMENT_BUILD_FAILED", "platform"] as const),
    (at) => (writeLayout(at, { one: makeImage(layers, {}, { architecture: "arm64" }) }), `oci:${at}`),
  ],
  [
    ...(["a layer with other bytes", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (at) => {
      const image = makeImage(layers);
      writeLayout(at, { one: image });
      const digest = [...image.blobs.keys()].at(-1) ?? "";
      writeBlob(at, digest, gzipSync(tar(file("other"))));
      return `oci:${at}`;
    },
  ],
  [
    ...(["a content other than the configuration has", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (at) => {
      const image = makeImage(layers);
      writeFileSync(
        join(at, "d.tar"),
        dockerArchive({ ...image, layers: [layers[0] ?? "", tar(file("x"))] as Buffer[] }, []),
      );
      return `docker-archive:${at}/d.tar`;
    },
  ],
  [
    ...(["a layer that is cut", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (at) => {
      const image = makeImage(layers);
      writeLayout(at, { one: image });
      const [digest = "", bytes = Buffer.alloc(0)] = [...image.blobs].at(-1) ?? [];
      writeBlob(at, digest, bytes.subarray(0, 50));
      return `oci:${at}`;
    },
  ],
  [
    ...(["an index that contains itself", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (at) => {
      const loop = {
        mediaType: "application/vnd.oci.image.index.v1+json",
        digest: `sha256:${"0".repeat(64)}`,
        size: 1,
      };
      writeLayout(at, {});
      writeBlob(at, loop.digest, json({ schemaVersion: 2, manifests: [loop] }));
      writeFileSync(join(at, "index.json"), json({ schemaVersion: 2, manifests: [loop] }));
      return `oci:${at}`;
    },
  ],
  [
    ...(["indexes without an end", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => {
      writeLayout(at, {});
      const nest = (depth: number): { mediaType: string; digest: string; size: number } => {
        const manifests = depth === 0 ? [] : [nest(depth - 1)];
        const bytes = json({ schemaVersion: 2, manifests });
        writeBlob(at, sha256(bytes), bytes);
        return { mediaType: "application/vnd.oci.image.index.v1+json", digest: sha256(bytes), size: bytes.length };
      };
      writeFileSync(join(at, "index.json"), json({ schemaVersion: 2, manifests: [nest(9)] }));
      return `oci:${at}`;
    },
  ],
  [
    ...(["an index that is no JSON", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => (writeLayout(at, {}), writeFileSync(join(at, "index.json"), "{"), `oci:${at}`),
  ],
  [
    ...(["a digest that is a path", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => {
      writeLayout(at, {});
      const manifests = [{ mediaType: "x", digest: "sha256:../../../etc/passwd", size: 1 }];
      writeFileSync(join(at, "index.json"), json({ schemaVersion: 2, manifests }));
      return `oci:${at}`;
    },
  ],
  [
    ...(["an index of 100 MB", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => (writeLayout(at, {}), writeFileSync(join(at, "index.json"), Buffer.alloc(100_000_000, " ")), `oci:${at}`),
  ],
  [
    ...(["a tar that `docker save` did not write", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => (writeFileSync(join(at, "d.tar"), layers[0] ?? ""), `docker-archive:${at}/d.tar`),
  ],
  [
    ...(["a FIFO as a root file system", "ENVIRONMENT_BUILD_FAILED", "unreadable"] as const),
    (at) => (makeFifo(join(at, "r.tar")), `rootfs:${at}/r.tar`),
  ],
  [
    ...(["a FIFO as an archive", "ENVIRONMENT_BUILD_FAILED", "unreadable"] as const),
    (at) => (makeFifo(join(at, "d.tar")), `docker-archive:${at}/d.tar`),
  ],
  [
    ...(["a FIFO as the index", "ENVIRONMENT_BUILD_FAILED", "unreadable"] as const),
    (at) => (makeFifo(join(at, "index.json")), `oci:${at}`),
  ],
  [
    ...(["a FIFO as a blob", "ENVIRONMENT_BUILD_FAILED", "unreadable"] as const),
    (at) => {
      const image = makeImage(layers);
      writeLayout(at, { one: image });
      makeFifo(join(at, "blobs", image.manifest.digest.replace(":", "/")));
      return `oci:${at}`;
    },
  ],
  ["a device as an archive", "ENVIRONMENT_BUILD_FAILED", "unreadable", () => "rootfs:/dev/zero"],
  [
    ...(["a directory as an archive", "ENVIRONMENT_BUILD_FAILED", "unreadable"] as const),
    (at) => (mkdirSync(join(at, "d.tar")), `docker-archive:${at}/d.tar`),
  ],
  [
    ...(["an archive with a name of 5000 bytes", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (at) => {
      const longName = tar(pax({ path: "x".repeat(5000) }), file("x"));
      writeFileSync(join(at, "d.tar"), Buffer.concat([longName.subarray(0, -1024), dockerArchive(makeImage([]), [])]));
      return `docker-archive:${at}/d.tar`;
    },
  ],
  ["a relative path", "INVALID_ARGUMENT", undefined, () => "oci:image"],
  ["a path with `..`", "INVALID_ARGUMENT", undefined, (at) => `oci:${at}/../x`],
];

for (const [what, code, reason, make] of wrong) {
  test(`refused: ${what}; nothing is left`, async (context) => {
    const { directory, cache } = await open(context);
    await pull(cache, "debian:12");
    await assert.rejects(pull(cache, make(directory)), (error: { code: string; details: { reason?: string } }) => {
      assert.deepEqual([error.code, reason && error.details.reason], [code, reason]);
      return true;
    });
    assert.deepEqual(readdirSync(join(directory, "cache", "tmp")), []);
    assert.equal(readdirSync(join(directory, "cache", "content")).length, 1);
  });
}

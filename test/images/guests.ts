import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { performOperation } from "../../src/client/perform.js";
import { tar } from "../archive/raw-tar.js";
import { directory, file, symlink } from "../archive/specimen.js";
import { type MadeImage, makeImage } from "../environments/image/saved.js";
import { noise } from "../environments/registry/double.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { busybox } from "./images.js";
import { pushImage } from "./push.js";
import { type Registry, startRegistry } from "./registry.js";

/** `make test-images`: images of a real registry as guests. */
let scratch: VmScratch;
let registry: Registry;
const SMALL = { mem_mib: 256 };

before(async () => {
  scratch = new VmScratch();
  registry = await startRegistry(join(scratch.directory, "registry"), {});
});
after(async () => {
  registry.end();
  const { environments } = await scratch.client.call("env.list", {});
  const made = environments.filter(({ name, built }) => built || /^localhost:|^rootfs:/.test(name));
  // Built environments come last in the list, and are above the others.
  for (const { name } of made.toReversed()) await scratch.client.call("env.remove", { environment: name });
  await scratch[Symbol.asyncDispose]();
});

/** Pushes an image; returns its reference. */
function push(name: string, image: MadeImage): string {
  return pushImage(scratch.directory, image, `${registry.host}/${name}`);
}

async function pull(name: string, image: MadeImage): Promise<string> {
  const environment = push(name, image);
  await scratch.client.call("env.pull", { environment });
  return environment;
}

async function run(environment: string, command: string, fields: object = {}): Promise<string> {
  const result = await scratch.client.call("vm.run", { environment, command, ...SMALL, ...fields });
  assert.equal(result.exit_code, 0, `${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** A program of C as musl-gcc makes it, linked with musl as a shared library. */
function muslImage(): MadeImage {
  const [source, program] = [join(scratch.directory, "hello.c"), join(scratch.directory, "hello")];
  const code =
    '#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("musl %d\\n", (int)getuid()); return 0; }\n';
  writeFileSync(source, code);
  execFileSync("musl-gcc", ["-o", program, source]);
  const users = "root:x:0:0::/:/bin/sh\nme:x:1000:1000::/home:/bin/sh\n";
  return makeImage(
    [
      ...busybox().layers,
      tar(
        ...[
          directory("lib"),
          {
            ...file("lib/ld-musl-x86_64.so.1"),
            mode: 0o755,
            content: readFileSync("/usr/lib/x86_64-linux-musl/libc.so"),
          },
        ],
        ...[{ ...file("bin/hello"), mode: 0o755, content: readFileSync(program) }, file("etc/passwd", users)],
        symlink("etc/alpine-release", "passwd"),
      ),
    ],
    { Env: ["PATH=/bin"], User: "1000", WorkingDir: "/" },
  );
}

test("busybox alone: the command of the shell, and a copy into it by a build, without cp", async () => {
  const image = push("busybox", busybox());
  const { status, stdout, stderr } = await scratch.pyro(["run", image, "--mem-mib", "256", "--", "uname", "-a"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^Linux /);
  const place = join(scratch.directory, "copied");
  mkdirSync(join(place, "inner"), { recursive: true });
  writeFileSync(join(place, "inner", "file"), "copied\n");
  const build = { name: "busy", from: image, copy: [`${place}:/opt`], run: ["cat /opt/inner/file >/made"], ...SMALL };
  await performOperation(scratch.client, "env.build", build);
  assert.equal(await run("busy", "cat /made; id -u"), "copied\n0\n");
});

test("busybox in an empty home: the kernel comes from Debian's archive", async () => {
  await using empty = new VmScratch({ ownTemplates: true });
  for (const name of ["names", "content"]) rmSync(join(empty.home, "environments", name), { recursive: true });
  const image = push("first", busybox());
  const started = performance.now();
  const { status, stdout, stderr } = await empty.pyro(["run", image, "--mem-mib", "256", "--", "uname", "-r"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /-cloud-amd64$/m);
  console.log(`# the first command of an empty home: ${Math.round(performance.now() - started)} ms`);
});

test("an image of musl whose user is 1000: its programs run as that user, who owns the workspace", async () => {
  const image = await pull("musl", muslImage());
  assert.equal(await run(image, "hello; cd /workspace && ls -ld . | cat >made && hello"), "musl 1000\nmusl 1000\n");
  assert.equal(await run(image, "hello", { user: "root" }), "musl 0\n");
});

test("a root of 10 GiB: its sparse file is read at both ends", async () => {
  const big = join(scratch.directory, "big");
  mkdirSync(big);
  const disk = openSync(join(big, "disk"), "w");
  ftruncateSync(disk, 10 * 2 ** 30);
  writeSync(disk, "end\n", 10 * 2 ** 30 - 4);
  closeSync(disk);
  const archive = join(scratch.directory, "big.tar");
  const layer = join(scratch.directory, "layer.tar");
  execFileSync("tar", ["-S", "--format=gnu", "-cf", archive, "-C", big, "disk"]);
  writeFileSync(layer, busybox().layers[0]!);
  execFileSync("tar", ["-A", "-f", archive, layer]);
  const image = `rootfs:${archive}`;
  const started = performance.now();
  await scratch.client.call("env.pull", { environment: image });
  const found = (await scratch.client.call("env.list", {})).environments.find(({ name }) => name === image);
  console.log(`# pulled in ${Math.round(performance.now() - started)} ms, ${found?.size_bytes} bytes on the disk`);
  assert.equal(
    await run(image, "/bin/busybox stat -c %s /disk; /bin/busybox tail -c 4 /disk"),
    `${10 * 2 ** 30}\nend\n`,
  );
  rmSync(archive);
});

test("an image of 300 MB: a first command and later ones run, and their times are printed", async () => {
  const [program = Buffer.alloc(0)] = busybox().layers;
  const layers = Array.from({ length: 6 }, (_, index) =>
    tar({ ...file(`data-${index}`), content: noise(50_000_000, `${index}`) }),
  );
  const started = performance.now();
  const pushed = makeImage([program, ...layers], { Env: ["PATH=/bin"], User: "", WorkingDir: "" });
  const image = push("large", pushed);
  const pulling = performance.now();
  await scratch.client.call("env.pull", { environment: image });
  console.log(`# made and pushed in ${Math.round(pulling - started)} ms`);
  for (const what of ["first", "second", "third"]) {
    const from = what === "first" ? pulling : performance.now();
    if (what === "first") console.log(`# pulled in ${Math.round(performance.now() - from)} ms`);
    assert.match(await run(image, "ls -l /data-5"), /50000000/);
    console.log(
      `# from ${what === "first" ? "the pull" : "the request"} to the end of the ${what} command: ${Math.round(performance.now() - from)} ms`,
    );
  }
  for (const what of ["first", "second", "third"]) {
    const from = performance.now();
    await run("debian:12", "ls -l /etc/passwd");
    console.log(`# the ${what} command of debian:12: ${Math.round(performance.now() - from)} ms`);
  }
});

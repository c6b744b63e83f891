import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { VmScratch } from "../../vm/vm-scratch.js";
import { tar } from "../../archive/raw-tar.js";
import { directory, file, symlink } from "../../archive/specimen.js";
import { askDebugfs } from "./files.js";
import { dockerArchive, makeImage, writeLayout } from "./saved.js";

/** A few programs of debian:12 without apt, systemd or bash, as images that boot with our kernel and agent. */
let scratch: VmScratch;
let images: string;
const references: string[] = [];

before(async () => {
  scratch = new VmScratch();
  images = join(scratch.home, "images");
  mkdirSync(images);
  const { files } = await scratch.client.call("env.inspect", { environment: "debian:12" });
  assert.ok(files, "debian:12 is pulled");
  const { digest } = await scratch.client.call("env.inspect", { environment: "debian:12" });
  const root = join(scratch.home, "environments", "content", digest ?? "", "root.img");
  writeLayout(join(images, "tiny"), {
    latest: makeImage([baseLayer(root), upperLayer], {
      Env: ["PATH=/bin", "GREETING=hello you "],
      User: "me",
      WorkingDir: "/srv/app",
    }),
  });
  const bare = makeImage([tar(...programs(root, ["cat", "uname"]))]);
  writeFileSync(join(images, "bare.tar"), dockerArchive(bare, ["bare:1"]));
});

after(async () => {
  for (const environment of references) await scratch.client.call("env.remove", { environment }).catch(() => {});
  await scratch[Symbol.asyncDispose]();
});

const upperLayer = tar(
  ...[
    file("etc/.wh.old", ""),
    file("etc/new", "new\n"),
    { ...file("home/file", "x"), patch: [[108, "0001750\0"]] as const },
  ],
);

/** A program of coreutils, and the files that it needs. */
function programs(root: string, names: readonly string[]) {
  const dump = (path: string, name: string) => {
    const copy = join(images, "copied");
    askDebugfs(root, `dump ${path} ${copy}`);
    return { name, content: readFileSync(copy), mode: 0o755 };
  };
  const libraries = ["libc.so.6", "libselinux.so.1", "libpcre2-8.so.0.11.2"];
  return [
    ...libraries.map((name) => dump(`/usr/lib/x86_64-linux-gnu/${name}`, `lib/x86_64-linux-gnu/${name}`)),
    symlink("lib/x86_64-linux-gnu/libpcre2-8.so.0", "libpcre2-8.so.0.11.2"),
    dump("/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "lib64/ld-linux-x86-64.so.2"),
    ...names.map((name) => dump(`/usr/bin/${name}`, `bin/${name}`)),
  ];
}

function baseLayer(root: string): Buffer {
  return tar(
    ...programs(root, ["dash", "cat", "uname", "stat", "ls", "id", "touch"]),
    ...[symlink("bin/sh", "dash"), { ...directory("etc"), mode: 0o555 }, file("etc/old", "old\n")],
    file("etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home:/bin/sh\n"),
    file("etc/group", "root:x:0:\nme:x:1000:\nothers:x:7:you,me\n"),
    file("etc/os-release", "ID=tiny\nVERSION_ID=1\n"),
  );
}

const run = async (reference: string, ...command: string[]) => {
  references.push(reference);
  return scratch.pyro(["run", reference, "--mem-mib", "256", "--", ...command]);
};

test("an image without systemd and bash runs, with its variables, owners and whiteouts", async () => {
  const line = 'uname -s; echo "[$GREETING] $PATH $PWD"; cat /etc/new; ls /etc/old; stat -c %u /home/file';
  const { status, stdout, stderr } = await run(`oci:${images}/tiny`, "sh", "-c", line);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "Linux\n[hello you ] /bin /srv/app\nnew\n1000\n");
  assert.match(stderr, /old.*No such file/);
});

test("env list and inspect show an installed image", async () => {
  const { environments } = await scratch.client.call("env.list", {});
  const found = environments.find(({ name }) => name === `oci:${images}/tiny`);
  assert.deepEqual([found?.installed, found?.distribution, found?.image?.user], [true, "tiny 1", "me"]);
});

test("commands run as the image's user, who owns the workspace and what is put there; another user is asked for", async () => {
  const image = `oci:${images}/tiny`;
  const line = 'pwd; id; echo "$HOME $USER $SHELL"; touch new; stat -c "%n %U" . new seeded; touch /etc/x';
  const source = join(images, "source");
  mkdirSync(source);
  writeFileSync(join(source, "seeded"), "x");
  const own = ["--mem-mib", "256", "--source-path", source];
  const { stdout } = await scratch.pyro(["run", image, ...own, "--", "sh", "-c", line]);
  const id = "uid=1000(me) gid=1000(me) groups=1000(me),7(others)";
  assert.equal(stdout, `/workspace\n${id}\n/home me /bin/sh\n. me\nnew me\nseeded me\n`);
  const asked = (user: string) => scratch.pyro(["run", image, "--mem-mib", "256", "--user", user, "--", "id", "-u"]);
  assert.equal((await asked("root")).stdout, "0\n");
  assert.equal((await asked("12345:7")).stdout, "12345\n");
  const { status, stderr } = await asked("nobody-known");
  assert.equal(status, 2, stderr);
  const task = await scratch.client.call("task.create", { environment: image, mem_mib: 256 });
  const exec = async (user?: string) => {
    const { stdout: out } = await scratch.client.call("task.exec", {
      task_id: task.task_id,
      command: "id -u",
      ...(user && { user }),
    });
    return out;
  };
  assert.deepEqual([task.user, await exec(), await exec("root")], ["me", "1000\n", "0\n"]);
  const { cwd } = await scratch.client.call("task.exec", { task_id: task.task_id, command: "true" });
  assert.equal(cwd, "/srv/app");
  const path = "/workspace/mine";
  await scratch.client.call("task.file.write", { task_id: task.task_id, path, content: "x", user: "me" });
  const owner = { task_id: task.task_id, command: `stat -c %u ${path}` };
  assert.equal((await scratch.client.call("task.exec", owner)).stdout, "1000\n");
  await scratch.client.call("task.delete", { task_id: task.task_id });
  const { vm_id } = await scratch.client.call("vm.create", { environment: image, mem_mib: 256 });
  await scratch.client.call("vm.start", { vm_id });
  const { stdout: ofVm } = await scratch.client.call("vm.exec", { vm_id, command: "id -u; pwd" });
  assert.equal(ofVm, "1000\n/srv/app\n");
});

test("in an image without /bin/sh a program runs; a line of the shell fails with the reason", async () => {
  const bare = `docker-archive:${images}/bare.tar`;
  const { status, stdout, stderr } = await run(bare, "uname", "-s");
  assert.deepEqual([status, stdout], [0, "Linux\n"], stderr);
  await assert.rejects(
    scratch.client.call("vm.run", { environment: bare, command: "uname; uname", mem_mib: 256 }),
    (error: { code: string; details: { missing?: string } }) =>
      error.code === "INVALID_ARGUMENT" && error.details.missing === "/bin/sh",
  );
});

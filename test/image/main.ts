import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf, until } from "../client/scratch.js";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const directory = mkdtempSync(join("/var/tmp", "pt-image-"));
const home = process.env["PYRO_IMAGE_HOME"] ?? join(checkout, ".test-home");
const EPOCH = 1_700_000_000;

interface Built {
  readonly digest: string;
  readonly archive: string;
  readonly said: string;
}

async function build(name: string, settings: NodeJS.ProcessEnv = {}): Promise<Built> {
  const output = join(directory, name);
  const env = { ...process.env, PYRO_IMAGE_DIRECTORY: output, PYRO_IMAGE_HOME: home, SOURCE_DATE_EPOCH: String(EPOCH) };
  const { status, stdout, stderr } = await endOf(
    spawn(process.execPath, [join(checkout, "scripts/image.mjs")], { env: { ...env, ...settings } }),
  );
  assert.equal(status, 0, stderr);
  return {
    digest: readFileSync(join(output, "digest"), "utf8").trim(),
    archive: join(output, "pyro.tar"),
    said: stdout,
  };
}

const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const blob = (image: string, digest: string) => join(image, "blobs", "sha256", digest.replace("sha256:", ""));

/** The image as a container runtime unpacks it, and its configuration. */
function unpack(archive: string): { root: string; config: Record<string, any> } {
  const [image, root] = [join(directory, "oci"), join(directory, "root")];
  for (const path of [image, root]) mkdirSync(path);
  execFileSync("tar", ["-xf", archive, "-C", image]);
  const manifest = json(blob(image, json(join(image, "index.json")).manifests[0].digest));
  for (const { digest } of manifest.layers) execFileSync("tar", ["-xzf", blob(image, digest), "-C", root]);
  return { root, config: json(blob(image, manifest.config.digest)).config };
}

let whole: Built;
let image: ReturnType<typeof unpack>;
let pod: ChildProcess | undefined;
let state: string;

/** A container of the image as a pod has it: its user, a read-only root, no network, and two places to write. */
function buildContainer(words: readonly string[]): string[] {
  return [
    ...["bwrap", "--unshare-user", "--uid", "10001", "--gid", "10001", "--unshare-net", "--unshare-ipc"],
    ...["--die-with-parent", "--clearenv", "--ro-bind", image.root, "/", "--proc", "/proc", "--dev", "/dev"],
    ...["--tmpfs", "/tmp", "--bind", state, "/var/lib/pyro", "--chdir", "/"],
    ...image.config["Env"].flatMap((each: string) => [
      "--setenv",
      each.split("=")[0],
      each.slice(each.indexOf("=") + 1),
    ]),
    "--",
    ...words,
  ];
}

function inPod(...words: string[]) {
  const [program = "", ...rest] = buildContainer(words);
  return endOf(spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] }));
}

before(async () => {
  whole = await build("whole");
  process.stdout.write(whole.said);
  image = unpack(whole.archive);
  state = join(directory, "state");
  mkdirSync(state);
  chmodSync(state, 0o777);
});
after(() => {
  pod?.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

test("the same inputs make the same image, without the template: its digest is equal", async () => {
  const settings = { PYRO_IMAGE_TEMPLATE_MIB: "" };
  const [one, other] = [await build("one", settings), await build("other", settings)];
  assert.match(one.digest, /^sha256:[0-9a-f]{64}$/);
  const layersOf = ({ said }: Built) => said.split("\n").filter((line) => line.startsWith("sha256:"));
  assert.deepEqual(layersOf(other), layersOf(one));
  assert.equal(other.digest, one.digest);
});

test("the configuration: an ordinary user, the jail, the base, and a first program that reaps", () => {
  const { User, Env, Entrypoint } = image.config;
  assert.equal(User, "10001:10001");
  assert.deepEqual(Entrypoint, ["/usr/bin/tini", "--", "/usr/bin/pyro-pod"]);
  for (const setting of ["PYRO_JAIL=container", "PYRO_HOME=/var/lib/pyro/home", "PYRO_BASE=/usr/share/pyro/base"]) {
    assert.ok(Env.includes(setting), setting);
  }
});

test("no program may become another user, and none may write to the image", () => {
  const find = (...words: string[]) => execFileSync("find", [image.root, "-xdev", ...words], { encoding: "utf8" });
  assert.equal(find("-type", "f", "-perm", "/6000"), "");
  assert.equal(
    find(
      "-perm",
      "-o+w",
      "!",
      "-type",
      "l",
      "!",
      "-path",
      "*/tmp",
      "!",
      "-path",
      "*/run/lock",
      "!",
      "-path",
      "*/dev/*",
    ),
    "",
  );
});

test("the list of parts has the packages of npm and Debian that are in it", () => {
  const { components } = json(join(image.root, "usr/share/pyro/sbom.cdx.json"));
  const names = components.map(({ name }: { name: string }) => name);
  for (const name of ["zod", "pyro-agent", "qemu-system-x86", "nodejs", "libc6"]) assert.ok(names.includes(name), name);
  const installed = execFileSync("dpkg-query", [
    "--admindir",
    join(image.root, "var/lib/dpkg"),
    "-f",
    "${Package} ",
    "-W",
  ]);
  const missing = installed
    .toString()
    .trim()
    .split(" ")
    .filter((name) => !names.includes(name));
  assert.deepEqual(missing, []);
});

test("its daemon runs VMs from the template in the image, is started again when killed, and ends the pod when it ends", async () => {
  const status = async () => JSON.parse((await inPod("pyro", "daemon", "status", "--json")).stdout);
  const [program = "", ...words] = buildContainer(image.config["Entrypoint"]);
  pod = spawn(program, words, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env } });
  // `run` is a link to a path of the container.
  await until(
    "the daemon listens",
    async () => (await inPod("test", "-S", "/var/lib/pyro/home/run/daemon.sock")).status === 0,
  );
  const ran = await inPod("pyro", "run", "debian:12", "--", "uname", "-m");
  assert.deepEqual([ran.status, ran.stdout], [0, "x86_64\n"], ran.stderr);
  assert.doesNotMatch(readFileSync(join(state, "home", "daemon.log"), "utf8"), /template frozen/);
  const { pid } = await status();
  process.kill(pid, "SIGKILL");
  await until("another daemon runs", async () => ![null, pid].includes((await status()).pid));
  const ended = once(pod, "exit");
  assert.equal((await inPod("pyro", "daemon", "stop")).status, 0);
  assert.deepEqual(await ended, [0, null]);
});

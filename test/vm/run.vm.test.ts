import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { release } from "node:os";
import { after, before, test } from "node:test";

import { endOf, until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

let scratch: VmScratch;
before(() => {
  scratch = new VmScratch();
});
after(() => scratch[Symbol.asyncDispose]());

const run = (...command: string[]) => scratch.pyro(["run", "debian:12", "--", ...command]);

test("a command runs under a kernel of its own", async () => {
  const { status, stdout } = await run("uname", "-r");
  assert.equal(status, 0);
  assert.notEqual(stdout.trim(), release());
});

test("git is installed", async () => {
  const { stdout } = await run("git", "--version");
  assert.match(stdout, /^git version 2\./);
});

test("streams stay apart and the exit status is the command's own", async () => {
  const { status, stdout, stderr } = await run("sh", "-c", "echo out; echo err >&2; exit 7");
  assert.deepEqual({ status, stdout, stderr }, { status: 7, stdout: "out\n", stderr: "err\n" });
});

test("arguments reach the command unchanged", async () => {
  const { stdout } = await run("printf", "%s|", "$HOME", "a  b", "it's", "*", "ü\n", "");
  assert.equal(stdout, "$HOME|a  b|it's|*|ü\n||");
});

test("a command that does not exist gives 127", async () => {
  const { status, stderr } = await run("no-such-program");
  assert.equal(status, 127);
  assert.match(stderr, /not found/);
});

test("a command ended by a signal gives 128 and its number", async () => {
  assert.equal((await run("sh", "-c", "kill -TERM $$")).status, 143);
});

test("PYRO_TRACE=1 shows the stages of a run in their order, which add up, and leaves the streams of the command alone", async () => {
  await scratch.pyro(["daemon", "start"]);
  const { status, stdout, stderr } = await scratch.pyro(["run", "debian:12", "--mem-mib", "512", "--", "echo", "hi"], {
    env: { PYRO_TRACE: "1" },
  });
  assert.equal(status, 0);
  assert.equal(stdout, "hi\n");
  const lines = stderr.split("\n").flatMap((line) => /^(\S.*?) +([\d.]+) ms$/.exec(line)?.slice(1) ?? []);
  const rows = Array.from(
    { length: lines.length / 2 },
    (_, index) => [lines[2 * index], Number(lines[2 * index + 1])] as const,
  );
  const names = rows.map(([name]) => name);
  const started = ["template", "disk", "qemu start", "restore", "agent hello", "wake"];
  const ended = ["exec", "first byte", "end", "cleanup", "answer", "client end", "total"];
  assert.deepEqual(names, ["client start", "connection", "request", "environment", ...started, ...ended]);
  const total = rows.at(-1)![1];
  const sum = rows.slice(0, -1).reduce((ms, [, part]) => ms + part, 0);
  assert.ok(Math.abs(sum - total) < rows.length * 0.1, `${sum} is not ${total}`);
});

test("--json prints one object with every field", async () => {
  const { status, stdout } = await scratch.pyro(["run", "debian:12", "--json", "--", "sh", "-c", "echo hi; exit 3"]);
  assert.equal(status, 3);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(result["stdout"], "hi\n");
  assert.equal(result["exit_code"], 3);
  assert.equal(result["execution_mode"], "guest");
  assert.match(String(result["accelerator"]), /^(kvm|tcg)$/);
  assert.deepEqual(result["cleanup"], { deleted: true });
});

test("a time-out gives 124 and leaves nothing", async () => {
  const args = ["run", "debian:12", "--timeout-seconds", "10", "--", "sh", "-c", "echo early; sleep 60"];
  const { status, stdout, stderr } = await scratch.pyro(args);
  assert.equal(status, 124);
  assert.equal(stdout, "early\n");
  assert.match(stderr, /time-out/);
  assert.deepEqual(scratch.leftovers(), []);
});

test("Ctrl-C gives 130 and removes the VM", async () => {
  const child = scratch.start(["run", "debian:12", "--", "sh", "-c", "echo started; sleep 60"]);
  await once(child.stdout!, "data");
  child.kill("SIGINT");
  assert.equal((await endOf(child)).status, 130);
  await until("nothing is left", () => scratch.leftovers().length === 0);
});

test("killing the client removes its VM", async () => {
  const child = scratch.start(["run", "debian:12", "--", "sh", "-c", "echo started; sleep 60"]);
  await once(child.stdout!, "data");
  child.kill("SIGKILL");
  await until("nothing is left", () => scratch.leftovers().length === 0);
});

test("standard input is passed on whole", async () => {
  const input = Buffer.from(Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join(""));
  const { stdout } = await scratch.pyro(["run", "debian:12", "--", "sha256sum"], { input });
  assert.equal(stdout, `${createHash("sha256").update(input).digest("hex")}  -\n`);
});

test("a source fills the workspace before the command runs; its variables, directory and input arrive", async () => {
  mkdirSync(join(scratch.directory, "src", "sub"), { recursive: true });
  writeFileSync(join(scratch.directory, "src", "sub", "kept"), "kept\n");
  writeFileSync(join(scratch.directory, "src", "left.log"), "");
  const where = ["--source-path", "src", "--exclude", "*.log", "--cwd", "/workspace/sub", "--env", "GREETING"];
  const command = ["sh", "-c", "cat kept -; echo $GREETING; ls .."];
  const { status, stdout } = await scratch.pyro(["run", "debian:12", ...where, "--", ...command], {
    input: "input\n",
    env: { GREETING: "hi" },
  });
  assert.deepEqual([status, stdout], [0, "kept\ninput\nhi\nsub\n"]);
});

test("bytes that are not text are printed unchanged", async () => {
  const child = scratch.start(["run", "debian:12", "--", "printf", "\\000\\377\\200\\n"]);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(child, "close");
  assert.deepEqual(Buffer.concat(chunks), Buffer.from([0, 255, 128, 10]));
});

/** The most that the daemon may grow, however long the output is. Since Node.js 22, V8 lets buffers take more before it collects them. */
const MOST_GROWTH_KIB = (Number.parseInt(process.versions.node) < 22 ? 64 : 128) * 1024;

test("200 MB of output: the daemon grows by much less, and the result has the end", async () => {
  const status = readFileSync(`/proc/${await scratch.daemonPid()}/status`, "utf8");
  const before = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  const command = "head -c 200000000 /dev/zero; echo the-end";
  const child = scratch.start(["run", "debian:12", "--", "sh", "-c", command]);
  let bytes = 0;
  let tail = Buffer.alloc(0);
  child.stdout?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    tail = Buffer.concat([tail, chunk]).subarray(-16);
  });
  const [code] = (await once(child, "close")) as [number];
  assert.equal(code, 0);
  assert.equal(bytes, 200_000_008);
  assert.match(tail.toString("latin1"), /the-end\n$/);
  const now = readFileSync(`/proc/${await scratch.daemonPid()}/status`, "utf8");
  const peak = Number(/VmHWM:\s+(\d+)/.exec(now)?.[1]);
  assert.ok(peak - before < MOST_GROWTH_KIB, `the daemon grew by ${peak - before} KiB`);
});

test("a result keeps head and tail of long output", async () => {
  const args = ["run", "debian:12", "--json", "--", "sh", "-c", "echo first; seq 1 400000; echo last"];
  const result = JSON.parse((await scratch.pyro(args)).stdout) as Record<string, unknown>;
  assert.equal(result["stdout_truncated"], true);
  assert.ok(Number(result["stdout_omitted_bytes"]) > 1_000_000);
  assert.match(String(result["stdout"]), /^first\n1\n[^]*bytes left out[^]*400000\nlast\n$/);
});

test("a burst of commands: one VM is kept ready, is not counted as in use, and is removed after the burst", async () => {
  // Not through the CLI, whose start takes a part of a spare's life on a busy host.
  const { client } = scratch;
  const runHere = (command: string) => client.call("vm.run", { environment: "debian:12", command });
  await runHere("true");
  await runHere("true");
  const counts = async () => {
    const { vms, spare_vms } = await client.call("daemon.status", {});
    return [vms, spare_vms].join();
  };
  await until("a spare is ready, and no VM is in use", async () => (await counts()) === "0,1");
  const started = scratch.leftovers();
  assert.equal(
    (await runHere("hostname")).stdout.trim(),
    started.find((name) => !name.includes("/")),
  );
  assert.equal((await scratch.pyro(["run", "debian:12", "--timeout-seconds", "1", "--", "sleep", "60"])).status, 124);
  assert.deepEqual(scratch.leftovers(), []);
});

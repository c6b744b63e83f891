import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, openSync, closeSync, ftruncateSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { loadPages, PagesSaving } from "../../src/backend/qemu/pages.js";
import { temporaryDirectory } from "../store/scratch.js";

const helper = fileURLToPath(new URL("../../../keeper/build/pyro-pages", import.meta.url));
const PAGE = 4_096;
const MIB = 1_048_576;
const { signal } = new AbortController();

/** Maps the memory as QEMU does and runs `change`, a program's text, on it. Then it answers with the value of `answer`. */
const program = (change: string, answer: string) => `
import hashlib, mmap, os, sys
with open("/pyro/template/ram", "rb") as file:
    memory = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
open("/tmp/state", "w").write("the devices")
${change}
print(os.getpid(), flush=True)
sys.stdin.readline()
print(${answer}, flush=True)
`;

/** A process in a jail like QEMU's, whose memory file is empty. */
async function jailed(t: TestContext, memoryBytes: number, source: string) {
  const template = temporaryDirectory(t);
  makeSparse(join(template, "ram"), memoryBytes);
  const mounts = ["/usr", "/lib", "/lib64"].flatMap((path) => ["--ro-bind-try", path, path]);
  const args = [...mounts, "--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", template, "/pyro/template"];
  const child = spawn("bwrap", [...args, "/usr/bin/python3", "-c", source], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.stdin.end());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  const pid = Number(await next());
  const ask = () => (child.stdin.write("\n"), next());
  return { pid, ask };
}

function makeSparse(path: string, bytes: number, pieces: readonly (readonly [Uint8Array, number])[] = []): void {
  const file = openSync(path, "wx");
  ftruncateSync(file, bytes);
  for (const [piece, at] of pieces) writeSync(file, piece, 0, piece.length, at);
  closeSync(file);
}

test("the changed memory of a process, in long rows and in more short ones than one call takes, is written into another process", async (t) => {
  const memoryBytes = 16 * MIB;
  const rows = `
memory[4096 : 4096 + 5000000] = os.urandom(5000000)
for page in range(2000, 4000, 2):
    memory[page * 4096 : page * 4096 + 8] = os.urandom(8)
`;
  const sum = "hashlib.sha256(memory).hexdigest()";
  const from = await jailed(t, memoryBytes, program(rows, sum));
  const to = await jailed(t, memoryBytes, program("", sum));
  const directory = temporaryDirectory(t);
  const [overlay, snapshot] = [join(directory, "overlay"), join(directory, "snapshot")];
  writeFileSync(overlay, "the disk");
  mkdirSync(snapshot);
  using saving = PagesSaving.start(helper, from.pid, memoryBytes, overlay, snapshot);
  await saving.prepared();
  assert.equal(await saving.copy(), (Math.ceil(5_000_000 / PAGE) + 1_000) * PAGE);
  assert.equal(readFileSync(join(snapshot, "state"), "utf8"), "the devices");
  await loadPages(helper, to.pid, join(snapshot, "pages"), signal);
  assert.equal(await to.ask(), await from.ask());
});

test("a row of pages larger than 2 GiB, the kernel's limit for one call, is written completely", async (t) => {
  const bytes = 2_052 * MIB;
  const pages = join(temporaryDirectory(t), "pages");
  const head = Buffer.alloc(48);
  head.write("PYROPGS1");
  for (const [index, value] of [bytes, 1, bytes, 0, bytes].entries())
    head.writeBigUInt64LE(BigInt(value), 8 + 8 * index);
  makeSparse(pages, PAGE + bytes, [
    [head, 0],
    [Buffer.from("the end"), PAGE + bytes - 7],
  ]);
  const to = await jailed(t, bytes, program("", "memory[-7:].decode()"));
  await loadPages(helper, to.pid, pages, signal);
  assert.equal(await to.ask(), "the end");
});

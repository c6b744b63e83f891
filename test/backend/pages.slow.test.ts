import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { PAGES_FD } from "../../src/backend/qemu/argv.js";
import { PagesSaving } from "../../src/backend/qemu/pages.js";
import { endOf } from "../client/scratch.js";
import { temporaryDirectory } from "../store/scratch.js";

const helper = fileURLToPath(new URL("../../../keeper/build/pyro-pages", import.meta.url));
const library = fileURLToPath(new URL("../../../preload/build/pyro-ram.so", import.meta.url));
const PAGE = 4_096;
const MIB = 1_048_576;

/** Maps the memory as QEMU does, begins to read the device state, and runs `change`, a program's text. Then it answers with `answer`. */
const program = (change: string, answer: string) => `
import hashlib, mmap, os, sys
with open("/pyro/template/ram", "rb") as file:
    memory = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
os.readv(3, [bytearray(1)])
open("/tmp/state", "w").write("the devices")
${change}
print(os.getpid(), flush=True)
sys.stdin.readline()
print(${answer}, flush=True)
`;
const SUM = "hashlib.sha256(memory).hexdigest()";

/** A process in a jail like QEMU's, whose memory file is empty, with the pages of a snapshot over it. */
function startJailed(t: TestContext, memoryBytes: number, source: string, pages: string | null) {
  const template = temporaryDirectory(t);
  makeSparse(join(template, "ram"), memoryBytes);
  const mounts = ["/usr", "/lib", "/lib64"].flatMap((path) => ["--ro-bind-try", path, path]);
  const inside = ["--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", template, "/pyro/template"];
  const preload = ["--ro-bind", library, "/pyro/ram.so", "--setenv", "LD_PRELOAD", "/pyro/ram.so"];
  const args = [...mounts, ...inside, ...preload, "/usr/bin/python3", "-c", source];
  const stdio: ("ignore" | "pipe" | number)[] = ["pipe", "pipe", "pipe", openSync("/dev/null", "r")];
  while (stdio.length < PAGES_FD) stdio.push("ignore");
  if (pages !== null) stdio.push(openSync(pages, "r"), "pipe");
  const child = spawn("bwrap", args, { stdio });
  for (const fd of stdio) if (typeof fd === "number") closeSync(fd);
  t.after(() => child.stdin?.end());
  return child;
}

async function jailed(t: TestContext, memoryBytes: number, source: string, pages: string | null = null) {
  const child = startJailed(t, memoryBytes, source, pages);
  child.stderr!.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string;
  const pid = Number(await next());
  const ask = () => (child.stdin!.write("\n"), next());
  return { pid, ask };
}

function makeSparse(path: string, bytes: number, pieces: readonly (readonly [Uint8Array, number])[] = []): void {
  const file = openSync(path, "wx");
  ftruncateSync(file, bytes);
  for (const [piece, at] of pieces) writeSync(file, piece, 0, piece.length, at);
  closeSync(file);
}

/** A snapshot of such a process: how many bytes of memory it has, and its directory. */
async function save(t: TestContext, pid: number, memoryBytes: number): Promise<{ bytes: number; snapshot: string }> {
  const directory = temporaryDirectory(t);
  const [overlay, snapshot] = [join(directory, "overlay"), join(directory, "snapshot")];
  writeFileSync(overlay, "the disk");
  mkdirSync(snapshot);
  using saving = PagesSaving.start(helper, pid, memoryBytes, overlay, snapshot);
  await saving.begun();
  await saving.prepared();
  return { bytes: await saving.copy(), snapshot };
}

const ROWS = `
memory[4096 : 4096 + 5000000] = os.urandom(5000000)
for page in range(2000, 4000, 2):
    memory[page * 4096 : page * 4096 + 8] = os.urandom(8)
`;
const ROWS_BYTES = (Math.ceil(5_000_000 / PAGE) + 1_000) * PAGE;

test("the changed memory of a process, in long rows and in more short ones than one call takes, is mapped into another process", async (t) => {
  const memoryBytes = 16 * MIB;
  const from = await jailed(t, memoryBytes, program(ROWS, SUM));
  const { bytes, snapshot } = await save(t, from.pid, memoryBytes);
  assert.equal(bytes, ROWS_BYTES);
  assert.equal(readFileSync(join(snapshot, "state"), "utf8"), "the devices");
  const to = await jailed(t, memoryBytes, program("", SUM), join(snapshot, "pages"));
  assert.equal(await to.ask(), await from.ask());
});

test("a snapshot of a process that continues from one holds the pages of both, also when the file of the first one is gone", async (t) => {
  const memoryBytes = 16 * MIB;
  const first = await jailed(t, memoryBytes, program(ROWS, SUM));
  const { snapshot } = await save(t, first.pid, memoryBytes);
  // One page of the snapshot's, and one of the template's.
  const change = "memory[8192:8200] = b'changed!'; memory[15 * 2**20 + 4096 * 65] = 1";
  const second = await jailed(t, memoryBytes, program(change, SUM), join(snapshot, "pages"));
  rmSync(snapshot, { recursive: true });
  const again = await save(t, second.pid, memoryBytes);
  assert.equal(again.bytes, ROWS_BYTES + PAGE);
  const third = await jailed(t, memoryBytes, program("", SUM), join(again.snapshot, "pages"));
  assert.equal(await third.ask(), await second.ask());
});

test("more rows of pages than a process may have mappings: all of them are in the memory", async (t) => {
  const rows = 40_000;
  const memoryBytes = 2 * rows * PAGE;
  const change = `for page in range(0, ${2 * rows}, 2): memory[page * 4096] = 1 + page % 251`;
  const from = await jailed(t, memoryBytes, program(change, SUM));
  const { bytes, snapshot } = await save(t, from.pid, memoryBytes);
  assert.equal(bytes, rows * PAGE);
  const to = await jailed(t, memoryBytes, program("", SUM), join(snapshot, "pages"));
  assert.equal(await to.ask(), await from.ask());
});

/** A file of pages: magic, memory size, rows, their bytes, and one row's offset and size. */
function makePages(path: string, head: readonly [string, number, number, number, number, number], bytes: number): void {
  const [magic, ...values] = head;
  const start = Buffer.alloc(48);
  start.write(magic);
  for (const [index, value] of values.entries()) start.writeBigUInt64LE(BigInt(value), 8 + 8 * index);
  makeSparse(path, PAGE + bytes, [
    [start, 0],
    [Buffer.from("the end"), PAGE + bytes - 7],
  ]);
}

test("a row of pages larger than 2 GiB, the kernel's limit for one call, is mapped completely", async (t) => {
  const bytes = 2_052 * MIB;
  const pages = join(temporaryDirectory(t), "pages");
  makePages(pages, ["PYROPGS1", bytes, 1, bytes, 0, bytes], bytes);
  const to = await jailed(t, bytes, program("", "memory[-7:].decode()"), pages);
  assert.equal(await to.ask(), "the end");
});

test("a damaged file of pages: the process ends, and says why", async (t) => {
  const size = 16 * MIB;
  const damages = {
    "another beginning": ["PYROPGS2", size, 1, PAGE, 0, PAGE],
    "more rows than the file has room for": ["PYROPGS1", size, 2 ** 40, PAGE, 0, PAGE],
    "more bytes than the file has": ["PYROPGS1", size, 1, 2 * PAGE, 0, 2 * PAGE],
    "a row beyond the end of the memory": ["PYROPGS1", size, 1, PAGE, size, PAGE],
    "a row between two pages": ["PYROPGS1", size, 1, PAGE, 12, PAGE],
    "rows that are shorter than their sum": ["PYROPGS1", size, 1, PAGE, 0, 0],
    "another size of memory": ["PYROPGS1", 2 * size, 1, PAGE, 0, PAGE],
  } as const;
  for (const [name, head] of Object.entries(damages)) {
    const pages = join(temporaryDirectory(t), "pages");
    makePages(pages, head, PAGE);
    const { status, stderr } = await endOf(startJailed(t, size, program("", SUM), pages));
    assert.equal(status, 1, name);
    assert.match(stderr, /^the memory of the snapshot: (it is damaged|the VM has another size)$/m, name);
  }
});

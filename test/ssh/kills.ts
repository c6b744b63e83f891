import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { performOperation } from "../../src/client/perform.js";
import { PyroError } from "../../src/contract/errors.js";
import { random, seed } from "../seed.js";
import { Box } from "./box.js";

const ROUNDS = Math.ceil(Number(process.env["PYRO_FAULT_ROUNDS"] ?? 20) / 4);
const TASK = "kept";
const FILES = 400;

let box: Box;
const directory = mkdtempSync(join(tmpdir(), "pt-kills-"));
before(async () => {
  process.stdout.write(`# seed ${seed}\n`);
  box = await Box.open();
  await box.client.call("task.create", { environment: "debian:12", mem_mib: 256, name: TASK });
});
after(async () => {
  await box[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Breaks the connection after a random time, at a random end; says whether there was one. */
async function breakSoon(withinMs: number): Promise<string> {
  const afterMs = Math.floor(random() * withinMs);
  const end = random() < 0.5 ? "here" : "there";
  await sleep(afterMs);
  return `${box.breakConnection(end) ? "broken" : "nothing to break"} ${end} after ${afterMs} ms`;
}

/** The result of a call, or the code that a broken connection gives it. */
async function outcome<T>(call: Promise<T>): Promise<T | "lost"> {
  return call.catch((error: unknown) => {
    assert.equal(PyroError.from(error).code, "DAEMON_UNREACHABLE", String(error));
    return "lost" as const;
  });
}

function report(name: string, round: number, how: string, what: string): void {
  process.stdout.write(`# ${name} ${round}: ${how}; ${what}\n`);
}

test("exec: the output is whole, and the command has run once", async () => {
  const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index} ${"x".repeat(20)}`);
  const script = `import sys, time
open("/workspace/runs", "a").write("run\\n")
for i in range(40000):
    print("line", i, "x" * 20)
    if i % 1000 == 0:
        sys.stdout.flush()
        time.sleep(0.04)`;
  await performOperation(box.client, "task.file.write", { task_id: TASK, path: "/workspace/talk.py", content: script });
  for (let round = 1; round <= ROUNDS; round += 1) {
    const pieces: Uint8Array[] = [];
    const input = { task_id: TASK, command: "rm -f runs; python3 talk.py", timeout_seconds: 120 };
    const running = performOperation(box.client, "task.exec", input, {
      onEvent: (event) => {
        if (event.event === "stdout") pieces.push(event.data);
      },
    });
    const how = await breakSoon(1_500);
    const { exit_code } = await running;
    assert.equal(exit_code, 0);
    assert.equal(Buffer.concat(pieces).toString(), `${lines.join("\n")}\n`);
    const runs = await performOperation(box.client, "task.file.read", { task_id: TASK, path: "/workspace/runs" });
    assert.equal(runs.content, "run\n");
    report("exec", round, how, `${Buffer.concat(pieces).length} bytes`);
  }
});

/** Files of one version. */
function writeTree(path: string, version: number): void {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  for (let file = 0; file < FILES; file += 1) {
    writeFileSync(join(path, `f${file}`), Buffer.alloc(20_000, `${version}/${file} `));
  }
}

function digestOf(path: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(path).toSorted()) hash.update(`${name}\0`).update(readFileSync(join(path, name)));
  return hash.digest("hex");
}

/** The same digest of a directory of the task. */
async function digestThere(path: string): Promise<string> {
  const script = `import hashlib, os
h = hashlib.sha256()
for name in sorted(os.listdir("${path}")):
    h.update(name.encode() + b"\\0")
    h.update(open("${path}/" + name, "rb").read())
print(h.hexdigest())`;
  const { stdout } = await performOperation(box.client, "task.exec", {
    task_id: TASK,
    command: `python3 -c '${script}'`,
  });
  return stdout.trim();
}

test("push: all of it or nothing; what was acknowledged is there", async () => {
  const source = join(directory, "source");
  const dest = "/workspace/pushed";
  writeTree(source, 0);
  await performOperation(box.client, "task.sync.push", { task_id: TASK, source_path: source, dest });
  let acknowledged = digestOf(source);
  for (let round = 1; round <= ROUNDS; round += 1) {
    writeTree(source, round);
    const wanted = digestOf(source);
    const pushing = outcome(
      performOperation(box.client, "task.sync.push", { task_id: TASK, source_path: source, dest }),
    );
    const how = await breakSoon(800);
    const result = await pushing;
    const found = await digestThere(dest);
    if (result === "lost") assert.ok([acknowledged, wanted].includes(found), "a part of a push");
    else assert.equal(found, wanted);
    acknowledged = found;
    report("push", round, how, result === "lost" ? "lost" : "acknowledged");
  }
  await performOperation(box.client, "task.sync.push", { task_id: TASK, source_path: source, dest });
  assert.equal(await digestThere(dest), digestOf(source));
});

test("pull: all of it or nothing; what was acknowledged is there", async () => {
  const destination = join(directory, "pulled");
  const task = await box.client.call("task.create", { environment: "debian:12", mem_mib: 256 });
  const { task_id } = task;
  const change = (version: number) =>
    performOperation(box.client, "task.exec", {
      task_id,
      command: `python3 -c 'for i in range(${FILES}): open(f"f{i}", "w").write(f"${version}/{i} " * 2000)'`,
    });
  const pull = () => performOperation(box.client, "task.sync.pull", { task_id, destination, on_conflict: "task" });
  await change(0);
  mkdirSync(destination);
  await pull();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const before = digestOf(destination);
    await change(round);
    const pulling = outcome(pull());
    const how = await breakSoon(1_200);
    const result = await pulling;
    const now = digestOf(destination);
    await pull();
    const whole = digestOf(destination);
    if (result === "lost") assert.ok([before, whole].includes(now), "a part of a pull");
    else assert.equal(now, whole);
    assert.notEqual(whole, before);
    report("pull", round, how, result === "lost" ? "lost" : "acknowledged");
  }
  await box.client.call("task.delete", { task_id });
});

test("shell: each byte that the terminal has shown arrives once, in order; it can be typed into again", async () => {
  const pyro = box.openSdk();
  const shell = await pyro.shellTask(TASK, { name: "main" });
  let shown = "";
  const reading = (async () => {
    for await (const bytes of shell) shown += Buffer.from(bytes).toString("latin1");
  })();
  const shows = async (text: string) => {
    const end = performance.now() + 60_000;
    while (!shown.includes(text)) {
      assert.ok(performance.now() < end, `the shell does not show ${text}: ${shown.slice(-300)}`);
      await sleep(20);
    }
  };
  for (let round = 1; round <= ROUNDS; round += 1) {
    await shell.write(`for i in $(seq 1 300); do echo r${round}-$i; sleep 0.005; done; echo ro''und${round}\r`);
    await shows(`r${round}-1\r\n`);
    const how = await breakSoon(1_000);
    await shows(`round${round}\r\n`);
    report("shell", round, how, `${shown.length} bytes shown`);
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    const numbers = [...shown.matchAll(new RegExp(`^r${round}-(\\d+)\r$`, "gm"))].map(([, number]) => Number(number));
    assert.deepEqual(
      numbers,
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  }
  shell.detach();
  await reading.catch(() => {});
});

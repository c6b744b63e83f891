import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { letOutlive, spawnKept } from "../../src/host/spawn.js";
import { commandLineOf, endOf, until } from "../client/scratch.js";

const keeper = fileURLToPath(new URL("../../../keeper/build/pyro-keeper", import.meta.url));
/** Detaches in every possible way, and prints a line. The last word marks all processes. */
const DETACHES =
  '(setsid sh -c "sleep 1000; :" "$0" &) ; setsid setsid sh -c "trap : TERM HUP INT; sleep 1001 & sleep 1002; :" "$0" & echo ready; ';

interface Kept {
  readonly child: ChildProcess;
  readonly mark: string;
}

function keep(script: string): Kept {
  const mark = `mark-${randomBytes(6).toString("hex")}`;
  return { mark, child: spawn(keeper, ["3", "/bin/sh", "-c", script, mark], { stdio: ["pipe", "pipe", "pipe"] }) };
}

const marked = (mark: string) =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLineOf(Number(name)).includes(mark));

async function isReady({ child, mark }: Kept): Promise<void> {
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until("all have started", () => said === "ready\n" && marked(mark).length === 4);
}

test("keeper: kills what the program leaves when it ends, and returns its status", async () => {
  const { child, mark } = keep(`${DETACHES} exit 7`);
  assert.deepEqual(await endOf(child), { status: 7, stdout: "ready\n", stderr: "" });
  assert.deepEqual(marked(mark), []);
  assert.equal((await endOf(keep("kill -9 $$").child)).status, 137);
});

test("keeper: kills the program and its children when the starter has ended", async () => {
  const kept = keep(`${DETACHES} sleep 1000; :`);
  await isReady(kept);
  kept.child.stdin?.destroy();
  assert.equal((await endOf(kept.child)).status, 137);
  assert.deepEqual(marked(kept.mark), []);
});

test("keeper: a program that may outlive its starter ends by itself, or by SIGTERM", async () => {
  const patient = spawnKept(keeper, "/bin/sh", ["-c", "sleep 0.5; exit 7"]);
  await letOutlive(patient);
  patient.stdin?.destroy();
  assert.equal((await endOf(patient)).status, 7);
  const kept = keep(`${DETACHES} sleep 1000; :`);
  await letOutlive(kept.child);
  await isReady(kept);
  kept.child.stdin?.destroy();
  kept.child.kill("SIGTERM");
  await endOf(kept.child);
  assert.deepEqual(marked(kept.mark), []);
});

test("keeper: SIGTERM kills the program and its children", async () => {
  const kept = keep(`${DETACHES} sleep 1000; :`);
  await isReady(kept);
  kept.child.kill("SIGTERM");
  await endOf(kept.child);
  assert.deepEqual(marked(kept.mark), []);
});

test("keeper: the program has an empty input, and the keeper holds none of its descriptors open", async () => {
  const script = "cat; echo status >&4; exec 4>&-; read line";
  const child = spawnKept(keeper, "/bin/sh", ["-c", script], { extraFds: ["ignore", "pipe"] });
  let told = "";
  const end = new Promise((resolve) => child.stdio[4]!.once("close", resolve));
  child.stdio[4]!.on("data", (chunk: Buffer) => (told += chunk.toString()));
  const { status, stderr } = await endOf(child);
  await end;
  assert.deepEqual([status, told, stderr], [1, "status\n", ""]);
});

test("keeper: the program gets no descriptor that the keeper has inherited besides the given ones", async () => {
  const script = `exec 3</dev/null 9</dev/null 200</dev/null "$0" 4 /bin/sh -c 'echo /proc/$$/fd/*'`;
  const { stdout } = await endOf(spawn("/bin/bash", ["-c", script, keeper], { stdio: ["pipe", "pipe", "pipe"] }));
  const seen = stdout
    .trim()
    .split(" ")
    .map((path) => Number(path.split("/").at(-1)));
  assert.deepEqual(
    [3, 9, 200].filter((fd) => seen.includes(fd)),
    [3],
  );
});

test("keeper: the error names a program that cannot be started", async () => {
  const child = spawnKept(keeper, "/nonexistent/program", []);
  const { status, stderr } = await endOf(child);
  assert.deepEqual([status, stderr], [126, "/nonexistent/program: No such file or directory\n"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { endOf } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";

const page = readFileSync(fileURLToPath(new URL("../../../docs/http.md", import.meta.url)), "utf8");
const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = ""]) => text);

test("the curl examples of docs/http.md give the printed results", async () => {
  await using scratch = new VmScratch();
  const HOME = join(scratch.directory, "user");
  mkdirSync(HOME);
  symlinkSync(scratch.home, join(HOME, ".pyro"));
  await scratch.pyro(["daemon", "start"]);
  const child = spawn("/bin/sh", ["-eu"], {
    cwd: HOME,
    env: { PATH: process.env["PATH"], HOME },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(
    blocks.map((block) => block.replaceAll("curl ", "curl --silent --show-error --fail-with-body ")).join("\n"),
  );
  const { status, stdout, stderr } = await endOf(child);
  assert.equal(status, 0, stdout + stderr);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  const answers = lines.map((line) => JSON.parse(line) as { event?: string; result?: { stdout?: string } });
  const results = answers.flatMap(({ result }) => (result?.stdout === undefined ? [] : [result.stdout]));
  assert.match(results[0]!, /^\d+\.\d+\./);
  assert.deepEqual(results.slice(1), ["hi\n", "29 main.c\n", "hello\n", "hello\n"]);
  const followed = Buffer.from("llo\n").toString("base64");
  assert.ok(lines.includes(JSON.stringify({ event: "stdout", data: followed })));
  assert.ok(lines.some((line) => line.includes('"destination":"/workspace/src","entry_count":1')));
  assert.ok(lines.some((line) => line.includes('"deleted":true')));
  assert.match(stdout, /"openapi": ?"3\.1\.0"/);
  assert.ok(stdout.includes('"catalog_version"'));
});

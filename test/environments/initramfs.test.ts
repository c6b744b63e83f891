import assert from "node:assert/strict";
import { test } from "node:test";

import { appendToInitramfs, renderCpio } from "../../src/environments/initramfs.js";
import { readCpio } from "./cpio.js";

test("a file's header, byte for byte", () => {
  const archive = renderCpio([{ kind: "file", name: "a", data: Buffer.from("hi"), mode: 0o755 }]);
  const fields = ["00000001", "000081ed", ...Array<string>(2).fill("00000000"), "00000001", "00000000", "00000002"];
  const rest = [...Array<string>(4).fill("00000000"), "00000002", "00000000"];
  assert.equal(archive.toString("latin1", 0, 112), `070701${[...fields, ...rest].join("")}a\0`);
  assert.equal(archive.toString("latin1", 112, 116), "hi\0\0");
  assert.equal(archive.length % 512, 0);
});

test("the written entries are read back", () => {
  const data = Buffer.from([0, 1, 2, 3, 4]);
  const members = readCpio(
    renderCpio([
      { kind: "directory", name: "modules" },
      { kind: "file", name: "modules/é.ko", data },
      { kind: "file", name: "empty", data: Buffer.alloc(0) },
    ]),
  );
  assert.deepEqual(
    members.map(({ name, mode, uid, gid, links, data: read }) => [name, mode, uid, gid, links, [...read]]),
    [
      ["modules", 0o040755, 0, 0, 2, []],
      ["modules/é.ko", 0o100644, 0, 0, 1, [...data]],
      ["empty", 0o100644, 0, 0, 1, []],
    ],
  );
});

test("the same entries give the same bytes", () => {
  const entries = [{ kind: "file" as const, name: "x", data: Buffer.from("y") }];
  assert.deepEqual(renderCpio(entries), renderCpio(entries));
});

test("entries that are appended to an initramfs come after its own", () => {
  const first = renderCpio([{ kind: "directory", name: "modules" }]);
  const whole = appendToInitramfs(first, [
    { kind: "directory", name: "proc" },
    { kind: "file", name: "init", mode: 0o755, data: Buffer.from("agent") },
  ]);
  assert.deepEqual(whole.subarray(0, first.length), first);
  assert.deepEqual(
    readCpio(whole).map((member) => member.name),
    ["modules", "proc", "init"],
  );
});

test("an initramfs of odd length is padded first", () => {
  const odd = renderCpio([]).subarray(0, 125);
  const whole = appendToInitramfs(odd, [{ kind: "directory", name: "sys" }]);
  assert.equal(whole.indexOf("070701", 6), 512);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { buildQemuWords } from "./outer-vm.js";
import { parseReport, renderCheck } from "./report.js";
import { systemKey } from "./system.js";

test("a line of the outer VM's console: JSON of a known kind is a report, any other line is ignored", () => {
  assert.deepEqual(parseReport('{"kind":"start","title":"a run"}\r'), { kind: "start", title: "a run" });
  for (const line of ["", "SeaBIOS (version 1.16)", "null", "7", '{"kind":"other"}', '{"kind":"ok"']) {
    assert.equal(parseReport(line), null, line);
  }
});

test("a finished check is printed as one line, even if its note has several", () => {
  assert.equal(renderCheck(true, "a run", "", 1_600), "ok     a run (2 s)");
  assert.equal(renderCheck(false, "a run", "one\n  two\n", 400), "FAILED a run (0 s): one two");
});

test("the outer VM has emulated SVM, two processors and disks whose changes are dropped", () => {
  const files = { kernel: "/k", initrd: "/i", system: "/s", payload: "/p", console: "/c" };
  const words = buildQemuWords(files);
  assert.equal(words[words.indexOf("-cpu") + 1], "EPYC,+svm,+npt,la57=off");
  assert.equal(words[words.indexOf("-smp") + 1], "2");
  const disks = words.filter((word) => word.includes("if=virtio"));
  assert.equal(disks.length, 2);
  assert.ok(disks.every((disk) => disk.includes("snapshot=on")));
});

test("the outer system is built again when its packages or its script change, and only then", () => {
  assert.equal(systemKey(["a"], "s"), systemKey(["a"], "s"));
  assert.notEqual(systemKey(["a"], "s"), systemKey(["a", "b"], "s"));
  assert.notEqual(systemKey(["a"], "s"), systemKey(["a"], "t"));
});

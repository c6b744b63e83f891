import assert from "node:assert/strict";
import { test } from "node:test";

import { buildQemuArgs } from "../../src/backend/qemu/argv.js";

const shape = { memMib: 256, diskMib: 1024, vcpuCount: 1, network: false };
const words = (accelerator: "tcg" | "kvm", readOnlyMemory: boolean, start: "boot" | "clone") =>
  buildQemuArgs({ accelerator, shape, readOnlyMemory }, start);

test("an emulated CPU promises no fast copies, short ones included; a real one is as it is", () => {
  const cpuOf = (args: readonly string[]) => args[args.indexOf("-cpu") + 1]!.split(",");
  for (const start of ["boot", "clone"] as const) {
    const cpu = cpuOf(words("tcg", true, start));
    assert.ok(cpu.includes("erms=off") && cpu.includes("fsrm=off"), cpu.join());
    assert.deepEqual(cpuOf(words("kvm", true, start)), ["host"]);
  }
});

test("a clone opens the template's memory for reading alone where QEMU can, and never shares what it writes", () => {
  const memoryOf = (args: readonly string[]) => args.find((word) => word.startsWith("memory-backend-file"))!.split(",");
  const base = ["memory-backend-file", "id=mem", "size=256M", "mem-path=/pyro/template/ram"];
  assert.deepEqual(memoryOf(words("tcg", true, "clone")), [...base, "share=off", "readonly=on", "rom=off"]);
  assert.deepEqual(memoryOf(words("tcg", false, "clone")), [...base, "share=off"]);
  assert.deepEqual(memoryOf(words("tcg", true, "boot")), [...base, "share=on"]);
});

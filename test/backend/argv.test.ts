import assert from "node:assert/strict";
import { test } from "node:test";

import { buildQemuArgs } from "../../src/backend/qemu/argv.js";
import { countMemoryMib, TRANSLATION_CACHE_MIB } from "../../src/backend/qemu/memory.js";

const shape = { memMib: 256, diskMib: 1024, vcpuCount: 1, network: false };
const traitsOf = {
  7: { readOnlyMemory: false },
  10: { readOnlyMemory: true },
};
const words = (accelerator: "tcg" | "kvm", version: 7 | 10, start: "boot" | "clone") =>
  buildQemuArgs({ accelerator, shape, traits: traitsOf[version] }, start);

test("an emulated CPU announces no fast string copies, SMAP or PKU; on KVM the CPU is unchanged", () => {
  const cpuOf = (args: readonly string[]) => args[args.indexOf("-cpu") + 1]!.split(",");
  for (const start of ["boot", "clone"] as const) {
    const cpu = cpuOf(words("tcg", 10, start));
    assert.deepEqual(cpu.slice(-4), ["erms=off", "fsrm=off", "smap=off", "pku=off"]);
    assert.deepEqual(cpuOf(words("kvm", 10, start)), ["host"]);
  }
});

test("a clone maps the template's memory privately, and read-only if QEMU can", () => {
  const memoryOf = (args: readonly string[]) => args.find((word) => word.startsWith("memory-backend-file"))!.split(",");
  const base = ["memory-backend-file", "id=mem", "size=256M", "mem-path=/pyro/template/ram"];
  assert.deepEqual(memoryOf(words("tcg", 10, "clone")), [...base, "share=off", "readonly=on", "rom=off"]);
  assert.deepEqual(memoryOf(words("tcg", 7, "clone")), [...base, "share=off"]);
  assert.deepEqual(memoryOf(words("tcg", 10, "boot")), [...base, "share=on"]);
});

const kernelLineOf = (args: readonly string[]) => args[args.indexOf("-append") + 1]!.split(" ");

test("the kernel line turns off checks, clearing, accounting and random addresses under emulation, not on KVM", () => {
  const costly = [
    ...["mitigations=off", "nokaslr", "norandmaps", "lsm=landlock,yama", "init_on_alloc=0"],
    ...["cgroup.memory=nokmem", "psi=0", "no_timer_check"],
  ];
  const find = (accelerator: "tcg" | "kvm", version: 7 | 10) =>
    kernelLineOf(words(accelerator, version, "boot")).filter((word) => costly.includes(word));
  assert.deepEqual([find("tcg", 7), find("tcg", 10), find("kvm", 7), find("kvm", 10)], [costly, costly, [], []]);
});

test("QEMU's cache of translated code has the size that admission counts", () => {
  const accelOf = (args: readonly string[]) => args[args.indexOf("-accel") + 1]!;
  assert.equal(accelOf(words("tcg", 7, "clone")), `tcg,tb-size=${TRANSLATION_CACHE_MIB}`);
  assert.equal(accelOf(words("kvm", 7, "clone")), "kvm");
  assert.ok(countMemoryMib(1024, "tcg") >= 1024 + TRANSLATION_CACHE_MIB);
  assert.ok(countMemoryMib(1024, "kvm") > 1024);
});

test("a VM writes its mailbox, and is not paused by a full disk; the VM of an older snapshot only reads it", () => {
  const mailboxOf = (sendsMail: boolean) =>
    buildQemuArgs({ accelerator: "tcg", shape, traits: traitsOf[10], sendsMail }, "resume").filter((word) =>
      word.includes("mailbox"),
    );
  assert.deepEqual(
    mailboxOf(true).map((word) => word.includes("read-only=on")),
    [false, false, false],
  );
  assert.ok(mailboxOf(true).includes("virtio-blk-pci,drive=mailbox,werror=report"));
  assert.deepEqual(mailboxOf(false), [
    "driver=file,node-name=mailbox-file,filename=/pyro/vm/mailbox,read-only=on,locking=off",
    "driver=raw,node-name=mailbox,file=mailbox-file,read-only=on",
    "virtio-blk-pci,drive=mailbox",
  ]);
});

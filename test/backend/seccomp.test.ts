import assert from "node:assert/strict";
import { test } from "node:test";

import { buildContainerFilter, buildJailFilter } from "../../src/backend/seccomp.js";

const AUDIT_ARCH_X86_64 = 0xc000003e;
const AUDIT_ARCH_I386 = 0x40000003;
const actions: Readonly<Record<number, string>> = {
  [0x7fff0000]: "allowed",
  [0x80000000]: "killed",
  [0x00050001]: "EPERM",
  [0x00050026]: "ENOSYS",
  [0x00050061]: "EAFNOSUPPORT",
};

/** Runs a filter as the kernel does, for a call with a first argument. */
function evaluate(filter: Buffer, number: number, argument = 0, arch = AUDIT_ARCH_X86_64): string {
  const data = new Map([
    [0, number],
    [4, arch],
    [16, argument],
  ]);
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at += 1) {
    const [code, ifTrue, ifFalse] = [filter.readUInt16LE(at * 8), filter[at * 8 + 2]!, filter[at * 8 + 3]!];
    const operand = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x06) return actions[operand]!;
    if (code === 0x20) {
      accumulator = data.get(operand)!;
      continue;
    }
    const isTrue = { 0x15: accumulator === operand, 0x35: accumulator >= operand, 0x45: (accumulator & operand) !== 0 };
    at += isTrue[code as keyof typeof isTrue] ? ifTrue : ifFalse;
  }
  throw new Error("the filter has no end");
}

const [READ, CLONE, SOCKET, SETXATTRAT, LISTNS] = [0, 56, 41, 463, 470];

test("filters: calls that later kernels add are unknown, as those of x32; a call of another architecture kills", () => {
  for (const filter of [buildJailFilter(), buildContainerFilter()]) {
    assert.equal(evaluate(filter, READ), "allowed");
    for (const number of [SETXATTRAT, LISTNS, 1_000, 0x40000000 | READ, 0xffffffff]) {
      assert.equal(evaluate(filter, number), "ENOSYS", `call ${number}`);
    }
    assert.equal(evaluate(filter, READ, 0, AUDIT_ARCH_I386), "killed");
  }
});

test("filters: every flag of a new namespace is refused; processes are for containers, threads for both", () => {
  const [jail, container] = [buildJailFilter(), buildContainerFilter()];
  const THREAD = 0x10000;
  for (const flag of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
    for (const filter of [jail, container]) {
      assert.equal(evaluate(filter, CLONE, flag | 17), "EPERM");
      assert.equal(evaluate(filter, CLONE, flag | THREAD), "EPERM");
    }
  }
  assert.deepEqual([evaluate(jail, CLONE, 17), evaluate(container, CLONE, 17)], ["EPERM", "allowed"]);
  assert.deepEqual([evaluate(jail, CLONE, THREAD), evaluate(container, CLONE, THREAD)], ["allowed", "allowed"]);
});

test("filters: sockets of unix only in a jail, of its own network too in a container, never of vsock or packets", () => {
  const [jail, container] = [buildJailFilter(), buildContainerFilter()];
  for (const family of [3, 17, 29, 38, 40, 44]) {
    assert.equal(evaluate(jail, SOCKET, family), "EAFNOSUPPORT");
    assert.equal(evaluate(container, SOCKET, family), "EAFNOSUPPORT");
  }
  for (const family of [2, 10, 16]) assert.equal(evaluate(jail, SOCKET, family), "EAFNOSUPPORT");
  for (const family of [1, 2, 10, 16]) assert.equal(evaluate(container, SOCKET, family), "allowed");
});

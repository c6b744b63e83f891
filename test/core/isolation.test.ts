import assert from "node:assert/strict";
import { test } from "node:test";

import type { Diagnosis } from "../../src/backend/backend.js";
import { PyroError } from "../../src/contract/errors.js";
import type { IsolationLevel } from "../../src/contract/isolation-levels.js";
import { Isolation } from "../../src/core/isolation.js";
import { noCeilings, type Ceilings } from "../../src/core/machines/budget.js";
import type { ControlGroups } from "../../src/host/control-groups.js";

const whole: Diagnosis = {
  ok: true,
  engine: { version: "10", path: "/qemu", source: "private" },
  jail: "bubblewrap",
  accelerator: "kvm",
  acceleratorReason: "",
  candidates: [],
  networkProblem: null,
  problems: [],
};
const allSet: Ceilings = { memoryMib: 1_024, diskMib: 1_024, vms: 4 };
const grouped = { path: "/sys/fs/cgroup/pyro", problem: null } as unknown as ControlGroups;
const ungrouped = { path: null, problem: "none here" } as unknown as ControlGroups;

interface Host {
  readonly diagnosis?: Partial<Diagnosis>;
  readonly groups?: ControlGroups;
  readonly ceilings?: Ceilings;
  readonly required?: IsolationLevel | null;
}

function isolationOf({ diagnosis = {}, groups = grouped, ceilings = allSet, required = null }: Host) {
  const merged = { ...whole, ...diagnosis };
  const isolation = new Isolation({ vms: { diagnose: async () => merged }, groups, ceilings, required });
  return { isolation, view: isolation.view(merged) };
}

test("a host that has everything is strict; each missing piece lowers the level and is named", () => {
  assert.deepEqual(isolationOf({}).view, { level: "strict", required: null, missing: [] });
  const lesser: [string, Host][] = [
    ["control_groups", { groups: ungrouped }],
    ["total_limits", { ceilings: { ...allSet, diskMib: null } }],
    ["private_toolchain", { diagnosis: { engine: { ...whole.engine!, source: "host" } } }],
    ["kvm", { diagnosis: { accelerator: "tcg" } }],
  ];
  for (const [piece, host] of lesser) {
    const { level, missing } = isolationOf(host).view;
    assert.deepEqual([level, missing.map((lack) => lack.piece)], ["jailed", [piece]]);
  }
  const contained = isolationOf({ diagnosis: { jail: "container" } }).view;
  assert.deepEqual([contained.level, contained.missing.map((lack) => lack.piece)], ["vm", ["jail"]]);
  const { level, missing } = isolationOf({ diagnosis: { ok: false, accelerator: null } }).view;
  assert.deepEqual([level, missing.map((lack) => lack.piece)], [null, ["vm"]]);
});

test("a call is refused when the host gives less than it or the daemon asks for, with all that is missing", async () => {
  const host = { ceilings: noCeilings, diagnosis: { accelerator: "tcg" } };
  await isolationOf(host).isolation.assert(undefined);
  await isolationOf(host).isolation.assert("jailed");
  const cases: [IsolationLevel | null, IsolationLevel | undefined][] = [
    [null, "strict"],
    ["strict", undefined],
    ["strict", "vm"],
    ["jailed", "strict"],
  ];
  for (const [required, asked] of cases) {
    const error = await isolationOf({ ...host, required })
      .isolation.assert(asked)
      .catch(PyroError.from);
    assert.ok(error instanceof PyroError);
    assert.equal(error.code, "HOST_NOT_ABLE");
    const { level, missing } = error.details;
    assert.deepEqual([error.details["required"], level, missing], ["strict", "jailed", ["total_limits", "kvm"]]);
  }
});

test("without a VM every requirement is refused, also where the caller allows a process of the host", async () => {
  const { isolation } = isolationOf({ diagnosis: { ok: false } });
  await isolation.assert(undefined);
  for (const level of ["vm", "jailed", "strict"] as const) {
    await assert.rejects(isolation.assert(level), { code: "HOST_NOT_ABLE" });
  }
});

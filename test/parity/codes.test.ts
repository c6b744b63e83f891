import assert from "node:assert/strict";
import { test } from "node:test";

import { errorKinds, type ErrorCode } from "../../src/contract/errors.js";
import type { Operation } from "../../src/contract/operation.js";
import { operations, type OperationName } from "../../src/contract/operations.js";
import { cases } from "./cases.js";
import { homes } from "./homes.js";

/** Codes that no user can cause through every door, with the reason. */
const notOfUsers: Partial<Record<ErrorCode, string>> = {
  INTERNAL: "a bug of pyro; a known bug gets a test of its own",
  ENVIRONMENT_BUILDING: "said by MCP only, to clients that would give up; test/doors/mcp/server.slow.test.ts has it",
  WORKSPACE_CHANGED:
    "a process of the task must change an entry between its comparison and the switch; guest/test/test_unchanged.py has it",
  DESTINATION_UNUSABLE: "a model names no destination; test/client/pull/ has it",
  DESTINATION_CHANGED: "the host must change an entry during a pull, or after it; test/client/pull/ has it",
  FILE_CHANGED:
    "a process of the task must change a file between its reading and the write of an edit; guest/test/test_read_write.py has it",
  COMMAND_FAILED: "raised by the SDKs when they are asked to check; sdk.vm.test.ts and client.test.ts have it",
  REGISTRY_DENIED: "a registry must want a login; test/environments/registry/ has it",
  REGISTRY_RATE_LIMITED: "a registry must limit its clients; test/environments/registry/ has it",
  SOURCE_CHANGED: "an archive must change while it is sent; test/client/pack.test.ts has it",
  TOOLCHAIN_INSTALL_FAILED: "of toolchain.install, which the CLI and HTTP have; test/toolchain/ has it",
  WORKSPACE_TORN: "a process of the guest must meet the one moment of a switch in which it cannot be undone",
};

test("the parity table has the expected number of cases", () => {
  assert.ok(cases.length >= 40);
});

test("every operation of the SDKs and MCP has a case for every door", () => {
  const asked = new Set([...cases.map(({ operation }) => operation), ...homes.map(({ request }) => request.operation)]);
  // A tool that only stands for other operations; test/doors/mcp/services.test.ts has it.
  const isTool = ({ isLocal, cli, sdk }: Operation) => isLocal === true && cli === null && sdk === null;
  const offered = Object.values<Operation>(operations).filter(
    (each) => (each.sdk !== null || each.mcp !== null) && !isTool(each),
  );
  assert.ok(offered.length > 20);
  assert.deepEqual(
    offered.map(({ name }) => name).filter((name) => !asked.has(name as OperationName)),
    [],
  );
});

test("every code that a user can cause is a case of the tables, and no other", () => {
  const compared = [...cases.map(({ expect }) => expect), ...homes.map(({ code }) => code)];
  const codes = new Set(compared.filter((expect) => typeof expect === "string"));
  const expected = Object.keys(errorKinds).filter((code) => !(code in notOfUsers));
  assert.deepEqual([...codes].toSorted(), expected.toSorted());
});

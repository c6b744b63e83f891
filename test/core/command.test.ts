import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { waitForEnd } from "../../src/core/command.js";
import type { Exec } from "../../src/guest/exec.js";

const lost = (code: "VM_DIED" | "AGENT_PROTOCOL") => {
  const finished = Promise.reject(new PyroError(code, "The channel is closed."));
  finished.catch(() => {});
  return Promise.resolve({ finished } as unknown as Exec);
};
const wait = (starting: Promise<Exec>, died: Promise<string>) =>
  waitForEnd(starting, died, 60_000, new AbortController().signal);

test("why a VM ended is told, also when its channel is closed before its process is gone", async () => {
  const died = new Promise<string>((resolve) => setImmediate(resolve, "exit status 0"));
  await assert.rejects(wait(lost("VM_DIED"), died), {
    code: "VM_DIED",
    message: "The VM ended while the command ran: exit status 0",
  });
});

test("what a guest did to its channel is told as it is", async () => {
  const died = Promise.resolve("killed");
  await assert.rejects(wait(lost("AGENT_PROTOCOL"), new Promise(() => {})), { code: "AGENT_PROTOCOL" });
  await assert.rejects(wait(new Promise(() => {}), died), { code: "VM_DIED" });
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { waitForEnd } from "../../../src/core/exec/command.js";
import { SharedEnding } from "../../../src/core/exec/ending.js";
import { Exec } from "../../../src/guest/exec.js";
import { until } from "../../client/scratch.js";
import { AgentProcess } from "../../guest/agent-process.js";

const lost = (code: "VM_DIED" | "AGENT_PROTOCOL") => {
  const finished = Promise.reject(new PyroError(code, "The channel is closed."));
  finished.catch(() => {});
  return Promise.resolve({ finished } as unknown as Exec);
};
const wait = (starting: Promise<Exec>, died: Promise<string>) => waitForEnd(starting, died, 60_000, new SharedEnding());

test("the error has the reason why a VM ended, also when its channel closes before its process ends", async () => {
  const died = new Promise<string>((resolve) => setImmediate(resolve, "exit status 0"));
  await assert.rejects(wait(lost("VM_DIED"), died), {
    code: "VM_DIED",
    message: "The VM ended while the command ran: exit status 0",
  });
});

test("a protocol error of the guest is thrown unchanged", async () => {
  const died = Promise.resolve("killed");
  await assert.rejects(wait(lost("AGENT_PROTOCOL"), new Promise(() => {})), { code: "AGENT_PROTOCOL" });
  await assert.rejects(wait(new Promise(() => {}), died), { code: "VM_DIED" });
});

/** A command that says `ready`, and how it ends. */
async function running(agent: AgentProcess, command: string, timeoutMs = 60_000) {
  const channel = await agent.connect();
  const ending = new SharedEnding();
  const said = { text: "" };
  const onOutput = async (_stream: string, bytes: Buffer) => void (said.text += bytes.toString());
  const starting = Exec.start(channel, { command, cwd: "/", env: {}, stdin: null, onOutput });
  const end = waitForEnd(starting, new Promise(() => {}), timeoutMs, ending);
  await until("it is ready", () => said.text.includes("ready"));
  return { ending, end, said };
}

/** Says the number of a process that has left the command's group and session. */
const ESCAPED = `setsid sh -c 'echo ready $$; exec sleep 300' & `;
const isAlive = (said: string) => existsSync(`/proc/${/ready (\d+)/.exec(said)?.[1]}`);

test("waitForEnd: an interrupted command runs its trap, and the end is the caller's", async () => {
  await using agent = new AgentProcess();
  const { ending, end, said } = await running(
    agent,
    `trap 'echo bye; exit 0' INT; ${ESCAPED} while :; do sleep 0.05; done`,
  );
  ending.interrupt("INT");
  const { by, exitCode } = await end;
  assert.deepEqual([by, exitCode], ["caller", 0]);
  assert.match(said.text, /bye/);
  assert.equal(isAlive(said.text), false);
});

test("waitForEnd: a command that ignores the interrupt is killed with everything it started", async () => {
  await using agent = new AgentProcess();
  const { ending, end, said } = await running(agent, `trap '' INT; ${ESCAPED} sleep 300`);
  ending.interrupt("INT");
  ending.kill();
  const { by, exitCode } = await end;
  assert.deepEqual([by, exitCode], ["caller", 137]);
  assert.equal(isAlive(said.text), false);
});

test("waitForEnd: a time-out kills everything that the command has started", async () => {
  await using agent = new AgentProcess();
  const { end, said } = await running(agent, `${ESCAPED} sleep 300`, 500);
  const { by, exitCode } = await end;
  assert.deepEqual([by, exitCode], ["timeout", 124]);
  assert.equal(isAlive(said.text), false);
});

test("waitForEnd: a command that ends by itself keeps what it left running", async () => {
  await using agent = new AgentProcess();
  const { ending, end, said } = await running(agent, `${ESCAPED} sleep 0.2; exit 3`);
  const { by, exitCode } = await end;
  ending.interrupt("INT");
  assert.deepEqual([by, exitCode], ["itself", 3]);
  assert.equal(isAlive(said.text), true);
});

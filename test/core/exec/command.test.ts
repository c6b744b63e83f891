import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import type { Machine } from "../../../src/backend/backend.js";
import { quoteCommand } from "../../../src/contract/quote.js";
import { startExec } from "../../../src/core/exec/command.js";
import { waitForEnd } from "../../../src/core/exec/wait-for-end.js";
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

const machineOf = async (agent: AgentProcess) => ({ channel: await agent.connect(), network: null }) as Machine;

/** A command that says `ready`, and how it ends. */
async function running(agent: AgentProcess, command: string, timeoutMs = 60_000) {
  const machine = await machineOf(agent);
  const ending = new SharedEnding();
  const said = { text: "" };
  const onOutput = async (_stream: string, bytes: Buffer) => void (said.text += bytes.toString());
  const starting = startExec(machine, { command, cwd: "/", env: {}, stdin: null, onOutput });
  const end = waitForEnd(starting, new Promise(() => {}), timeoutMs, ending);
  await until("it is ready", () => said.text.includes("ready"));
  return { ending, end, said };
}

/** Prints the id of a process that has left the command's group and session. */
const ESCAPED = `setsid sh -c 'echo ready $$; exec sleep 300' & `;
const isAlive = (said: string) => existsSync(`/proc/${/ready (\d+)/.exec(said)?.[1]}`);

test("waitForEnd: an interrupted command runs its trap, and counts as ended by the caller", async () => {
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

test("startExec: the shell of a program waits for its end after a signal, and returns its exit code", async () => {
  await using agent = new AgentProcess();
  for (const signal of ["TERM", "INT"] as const) {
    const script = `trap 'sleep 0.2; echo bye; exit 7' ${signal}; echo ready; while :; do sleep 0.05; done`;
    const { ending, end, said } = await running(agent, quoteCommand(["sh", "-c", script]));
    ending.interrupt(signal);
    const { by, exitCode } = await end;
    assert.deepEqual([by, exitCode], ["caller", 7]);
    assert.match(said.text, /bye/);
  }
});

test("startExec: the shell of a line that prepares a program with cd, export or ulimit waits for it too", async () => {
  await using agent = new AgentProcess();
  for (const signal of ["TERM", "INT"] as const) {
    const script = `trap 'sleep 0.2; echo bye $A $PWD; exit 7' ${signal}; echo ready; while :; do sleep 0.05; done`;
    const line = `cd /tmp && export A='x y' && ulimit -c 0 && ${quoteCommand(["sh", "-c", script])}`;
    const { ending, end, said } = await running(agent, line);
    ending.interrupt(signal);
    const { by, exitCode } = await end;
    assert.deepEqual([by, exitCode], ["caller", 7]);
    assert.match(said.text, /bye x y \/tmp\n/);
  }
});

test("startExec: the shell of a program writes nothing itself when a signal ends the program", async () => {
  await using agent = new AgentProcess();
  const { ending, end, said } = await running(agent, quoteCommand(["sh", "-c", "echo ready >&2; exec sleep 300"]));
  ending.interrupt("TERM");
  const { by, exitCode } = await end;
  assert.deepEqual([by, exitCode, said.text], ["caller", 143, "ready\n"]);
});

test("startExec: a program that begins a session of its own is still the command", async () => {
  await using agent = new AgentProcess();
  const { end, said } = await running(
    agent,
    quoteCommand(["setsid", "sh", "-c", "echo ready $$; exec sleep 300"]),
    500,
  );
  const { by, exitCode } = await end;
  assert.deepEqual([by, exitCode], ["timeout", 124]);
  assert.equal(isAlive(said.text), false);
});

test("startExec: lines that a shell must run are still run by it", async () => {
  await using agent = new AgentProcess();
  const machine = await machineOf(agent);
  for (const [line, output, code] of [
    ["cd / && pwd && echo ready", "/\nready\n", 0],
    ["cd / && printenv PWD", "/\n", 0],
    ["cd /missing && printenv PWD", "", 2],
    ["cd / && ./missing", "", 127],
    ["cd / && false && printenv PWD", "", 1],
    ["cd / && printf '%s' 'a && b'", "a && b", 0],
    ["printf '%s' 'cd / && pwd'", "cd / && pwd", 0],
    ["A=b printenv A; echo ready", "b\nready\n", 0],
    ["A=b printenv A", "b\n", 0],
    ["'printf' '%s-' a ready", "a-ready-", 0],
    ["command printf %s a", "a", 0],
    ["./missing", "", 127],
    ["/etc", "", 126],
    ["exit 3", "", 3],
  ] as const) {
    const said: string[] = [];
    const onOutput = async (stream: string, bytes: Buffer) => void (stream === "stdout" && said.push(bytes.toString()));
    const exec = await startExec(machine, { command: line, cwd: "/", env: {}, stdin: null, onOutput });
    assert.deepEqual([(await exec.finished).exit_code, said.join("")], [code, output], line);
  }
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
  const { by, exitCode, durationMs } = await end;
  assert.deepEqual([by, exitCode, durationMs], ["timeout", 124, null]);
  assert.equal(isAlive(said.text), false);
});

test("waitForEnd: when a command ends by itself, its remaining processes keep running", async () => {
  await using agent = new AgentProcess();
  const { ending, end, said } = await running(agent, `${ESCAPED} sleep 0.2; exit 3`);
  const { by, exitCode } = await end;
  ending.interrupt("INT");
  assert.deepEqual([by, exitCode], ["itself", 3]);
  assert.equal(isAlive(said.text), true);
});

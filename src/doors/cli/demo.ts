import { release } from "node:os";

import type { Client } from "../../client/client.js";
import { findOwnName } from "../../client/own-name.js";
import type { OperationEvent } from "../../contract/operation.js";
import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { openProgress } from "./progress.js";

const ENVIRONMENT = "debian:12";

/** `pyro demo`: shows pyro in four steps on this machine. */
export function demo(client: Client): Promise<number> {
  return interruptible(false, async ({ signal }) => {
    const pyro = await findOwnName(process.argv[1] ?? "pyro", process.env, process.cwd());
    say(`1. Can this machine run VMs?  ${pyro} doctor`);
    await showHost(client);
    say(`2. Install an environment:  ${pyro} env pull ${ENVIRONMENT}`);
    await showEnvironment(client, signal);
    say(`3. Run a command in a fresh VM:  ${pyro} run ${ENVIRONMENT} -- uname -r`);
    const kernel = (await showRun(client, signal, "uname -r")).stdout.trim();
    say(`   This machine runs Linux ${release()}; the VM runs its own kernel, ${kernel}.`);
    say("4. Run another: each VM is new, and is removed after its command");
    await showRun(client, signal, 'echo "Hello from $(hostname), Linux $(uname -r)."');
    say("\nTry next:");
    say(`  ${pyro} run ${ENVIRONMENT} -- git --version`);
    say(`  seq 1 1000 | ${pyro} run ${ENVIRONMENT} -- sha256sum`);
    say(`  ${pyro} help run`);
    return 0;
  });
}

async function showHost(client: Client): Promise<void> {
  const { ok, accelerator, problems } = await client.call("doctor", {});
  const [problem] = problems;
  if (!ok) {
    throw new PyroError("HOST_NOT_ABLE", problem?.message ?? "No VM can run here.", {
      hint: problem ? `Run: ${problem.command}` : "Run `pyro doctor`.",
    });
  }
  say(`   Yes, on ${accelerator.in_use ?? "the first accelerator that boots"}.`);
}

async function showEnvironment(client: Client, signal: AbortSignal): Promise<void> {
  const startedMs = performance.now();
  const { built } = await withProgress("pull", (onProgress) =>
    client.call("env.pull", { environment: ENVIRONMENT }, { signal, onEvent: onProgress }),
  );
  say(built ? `   Built in ${secondsSince(startedMs)} s.` : "   It is already installed.");
}

async function showRun(client: Client, signal: AbortSignal, command: string): Promise<ResultOf<"vm.run">> {
  const startedMs = performance.now();
  const result = await withProgress(null, (onProgress) =>
    client.call("vm.run", { environment: ENVIRONMENT, command, timeout_seconds: 60 }, { signal, onEvent: onProgress }),
  );
  if (result.exit_code !== 0 || result.timed_out || result.aborted) {
    throw new PyroError("VM_DIED", `The command \`${command}\` failed in the VM.`, {
      details: { exit_code: result.exit_code, stderr: result.stderr.trim() },
    });
  }
  say(`   ${result.stdout.trim()}`);
  say(`   That took ${secondsSince(startedMs)} s, including the VM.`);
  return result;
}

async function withProgress<Result>(
  prefix: string | null,
  call: (onProgress: (event: OperationEvent) => void) => Promise<Result>,
): Promise<Result> {
  const progress = openProgress(ENVIRONMENT, { prefix });
  try {
    return await call((event) => {
      if (event.event === "progress") progress.show(event);
    });
  } finally {
    progress.clear();
  }
}

function secondsSince(startedMs: number): string {
  return ((performance.now() - startedMs) / 1000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

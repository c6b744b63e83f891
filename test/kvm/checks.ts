import assert from "node:assert/strict";
import { execFile, type ExecFileException } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { inVm } from "./payload.js";

interface Check {
  readonly title: string;
  /** Returns a remark; throws when pyro does not work correctly. */
  readonly check: (signal: AbortSignal) => Promise<string>;
}

const ENVIRONMENT = "debian:12";
const SMALL = ["--mem-mib", "256"];
/** Two checks in one VM, since each shape boots a template of its own. */
const WIDE = [...SMALL, "--vcpu-count", "2", "--network"];
/** For commands in a VM whose processor is emulated itself. */
const PATIENCE = ["--timeout-seconds", "300"];
const PUSHED_FILES = 50;

type Stream = "stdout" | "stderr";

const execute = promisify(execFile);

/** A command that failed, with the end of its output. */
class PyroFailure extends Error {
  readonly status: unknown;

  constructor(args: readonly string[], { code, signal, stdout, stderr }: ExecFileException & Record<Stream, string>) {
    super(`pyro ${args.join(" ")} ended with ${String(signal ?? code)}: ${`${stdout}\n${stderr}`.slice(-800)}`);
    this.status = code;
  }
}

async function pyro(signal: AbortSignal, ...args: string[]): Promise<string> {
  const words = [join(inVm.checkout, "bin", "pyro"), ...args];
  try {
    const { stdout } = await execute(process.execPath, words, { signal, killSignal: "SIGKILL" });
    return stdout.trim();
  } catch (error) {
    throw new PyroFailure(args, error as ExecFileException & Record<Stream, string>);
  }
}

async function pyroJson(signal: AbortSignal, ...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await pyro(signal, ...args, "--json")) as Record<string, unknown>;
}

/** Asserts that the next VM would run on KVM. After a template that did not boot on KVM it would not; the error has the reason. */
async function assertKvm(signal: AbortSignal): Promise<void> {
  const doctor = await pyroJson(signal, "doctor");
  const { in_use: name, reason } = doctor["accelerator"] as { in_use: string; reason: string };
  assert.equal(name, "kvm", `accelerator ${name}: ${reason}`);
}

async function exec(signal: AbortSignal, ...command: string[]): Promise<string> {
  return pyro(signal, "task", "exec", "proof", ...PATIENCE, "--", ...command);
}

/** How long the boot sector took; the time limit of a template's boot depends on it. */
function readSectorMs(): unknown {
  return (JSON.parse(readFileSync(join(inVm.home, "accelerator.json"), "utf8")) as { sector_ms: unknown }).sector_ms;
}

async function daemonPid(signal: AbortSignal): Promise<number> {
  return Number((await pyroJson(signal, "daemon", "status"))["pid"]);
}

/** Waits until the process is gone; its parent is this VM's init, which may not have reaped it. */
async function untilDead(pid: number, signal: AbortSignal): Promise<void> {
  const isAlive = () => {
    try {
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    } catch {
      return false;
    }
  };
  while (isAlive()) await sleep(50, undefined, { signal });
}

export const checks: readonly Check[] = [
  {
    title: "doctor: KVM runs a guest",
    check: async (signal) => {
      await assertKvm(signal);
      return `the boot sector took ${String(readSectorMs())} ms`;
    },
  },
  {
    title: "pull: the environment is there",
    check: async (signal) => {
      await pyro(signal, "env", "pull", ENVIRONMENT);
      return "";
    },
  },
  {
    title: "run: a template boots on KVM, a guest has its clock and the time",
    check: async (signal) => {
      const script = "cat /sys/devices/system/clocksource/clocksource0/current_clocksource; date +%s";
      const output = await pyro(signal, "run", ENVIRONMENT, ...SMALL, ...PATIENCE, "--", "sh", "-c", script);
      await assertKvm(signal);
      const [clock, time] = output.split("\n");
      assert.equal(clock, "kvm-clock");
      assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60, `the guest's time is ${time}`);
      return "";
    },
  },
  {
    title: "run: a second one starts from the template",
    check: async (signal) => {
      const args = ["run", ENVIRONMENT, ...SMALL, ...PATIENCE, "--", "sh", "-c", "exit 7"];
      const error: unknown = await pyro(signal, ...args).catch((failure: unknown) => failure);
      assert.equal((error as Partial<PyroFailure>).status, 7, String(error));
      return "";
    },
  },
  {
    title: "task: commands share a VM",
    check: async (signal) => {
      await pyro(signal, "task", "create", ENVIRONMENT, "--name", "proof", ...SMALL);
      await exec(signal, "sh", "-c", "echo kept > note; for i in $(seq 50); do /bin/true; done");
      assert.equal(await exec(signal, "cat", "note"), "kept");
      return "";
    },
  },
  {
    title: `push: ${PUSHED_FILES} files arrive`,
    check: async (signal) => {
      const source = "/tmp/source";
      mkdirSync(source);
      for (let i = 0; i < PUSHED_FILES; i++) writeFileSync(join(source, `file-${i}`), `content ${i}\n`);
      await pyro(signal, "task", "sync", "push", "proof", source, "--dest", "pushed");
      assert.equal(await exec(signal, "sh", "-c", "ls pushed | wc -l; cat pushed/file-49"), "50\ncontent 49");
      return "";
    },
  },
  {
    title: "daemon: the next one adopts the task of a killed one",
    check: async (signal) => {
      const pid = await daemonPid(signal);
      process.kill(pid, "SIGKILL");
      await untilDead(pid, signal);
      assert.equal(await exec(signal, "cat", "note"), "kept");
      assert.notEqual(await daemonPid(signal), pid);
      return "";
    },
  },
  {
    title: "fork, stop and start: a process lives on, with kvm-clock and the time",
    check: async (signal) => {
      const counter = "(i=0; while :; do i=$((i+1)); echo $i >/run/new; mv /run/new /run/count; sleep 0.1; done)";
      await exec(signal, "sh", "-c", `${counter} >/dev/null 2>&1 & until [ -e /run/count ]; do sleep 0.1; done`);
      const { tasks } = await pyroJson(signal, "task", "fork", "proof");
      const [{ task_id: fork }] = tasks as [{ task_id: string }];
      const script =
        "a=$(cat /run/count); until [ $(cat /run/count) -gt $a ]; do sleep 0.1; done; hostname; date +%s; cat /sys/devices/system/clocksource/clocksource0/current_clocksource";
      const look = async (task: string) => {
        const output = await pyro(signal, "task", "exec", task, ...PATIENCE, "--", "sh", "-c", script);
        const [hostname, time, clock] = output.split("\n");
        assert.equal(clock, "kvm-clock");
        assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60, `the guest's time is ${time}`);
        return hostname;
      };
      assert.notEqual(await look(fork), await look("proof"));
      await pyro(signal, "task", "delete", fork);
      await pyro(signal, "task", "stop", "proof");
      await pyro(signal, "task", "start", "proof");
      await look("proof");
      return "";
    },
  },
  {
    title: "run: two processors",
    check: async (signal) => {
      assert.equal(await pyro(signal, "run", ENVIRONMENT, ...WIDE, ...PATIENCE, "--", "nproc"), "2");
      await assertKvm(signal);
      return "";
    },
  },
  {
    title: "network: an opened address of the host is reached, a closed one is not",
    check: async (signal) => {
      await using open = await serve("open");
      await using closed = await serve("closed");
      const get = (port: number) => `curl -s -m 60 http://$(ip route | awk '/^default/{print $3}'):${port}/`;
      const script = `${get(open.port)}; echo; ${get(closed.port)} || echo refused`;
      const opened = ["--network-allow", `127.0.0.1:${open.port}`];
      const words = ["run", ENVIRONMENT, ...WIDE, ...opened, ...PATIENCE, "--", "sh", "-c", script];
      assert.equal(await pyro(signal, ...words), "open\nrefused");
      await assertKvm(signal);
      return "";
    },
  },
  {
    title: "delete: no VM is left",
    check: async (signal) => {
      await pyro(signal, "task", "delete", "proof");
      await pyro(signal, "daemon", "stop");
      const { stdout } = await execute("ps", ["-eo", "args"]);
      assert.ok(!stdout.includes("qemu-system"), stdout);
      return "";
    },
  },
];

async function serve(answer: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((_, response) => void response.end(answer)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

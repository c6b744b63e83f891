import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { readContract } from "../../src/contract/rendered.js";
import type { Core, Handler } from "../../src/core/core.js";
import { Budget, noCeilings } from "../../src/core/machines/budget.js";
import type { Tasks } from "../../src/core/tasks/tasks.js";
import { Audit } from "../../src/daemon/audit.js";
import type { Handlers } from "../../src/daemon/handlers.js";
import { Lifetime } from "../../src/daemon/lifetime.js";
import { serveRequest, serveUpgrade } from "../../src/daemon/server.js";
import { removeFileSync } from "../../src/host/files.js";
import { openHome } from "../../src/host/home.js";
import type { Server } from "../../src/host/http.js";
import { serveUnix } from "../../src/host/http-server.js";
import { openLog } from "../../src/host/log.js";

type VmRun = Handler<"vm.run">;

/** The daemon's server in this process, with handlers of `vm.run` and `task.sync.push` that a test gives. */
export class Listening implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pt-"));
  readonly env = { ...process.env, PYRO_HOME: join(this.directory, "home"), XDG_RUNTIME_DIR: this.directory };
  readonly home = openHome(this.env);
  readonly lifetime: Lifetime;
  vmsInUse = 0;
  /** Requests whose headers have arrived. */
  requests = 0;
  readonly #server: Promise<Server>;
  readonly #audit: Audit;

  constructor(
    vmRun: VmRun,
    options: { idleMs?: number; version?: string; others?: Partial<Handlers>; tasks?: Tasks } = {},
  ) {
    const log = openLog(this.home.daemonLog);
    const machines = { inUse: () => this.vmsInUse, spares: () => [], reservedMib: () => 0, closeAll: async () => {} };
    const budget = new Budget(noCeilings, async () => 0);
    const version = options.version ?? readContract().version;
    const tasks = options.tasks ?? { detachAll: async () => {}, resolve: (reference: string) => reference };
    const core = { home: this.home, version, log, budget, machines, tasks } as unknown as Core;
    this.lifetime = new Lifetime({
      idleMs: options.idleMs ?? 600_000,
      cleanUpMs: 5_000,
      vmsInUse: () => this.vmsInUse,
      hide: () => removeFileSync(this.home.daemonSocket),
      log,
    });
    const handlers = { "vm.run": vmRun, ...options.others } as unknown as Handlers;
    this.#audit = new Audit(this.home.auditLog, log);
    const daemon = { core, lifetime: this.lifetime, handlers, audit: this.#audit };
    this.#server = serveUnix(
      this.home.daemonSocket,
      (request, response) => {
        this.requests += 1;
        void serveRequest(daemon, request, response);
      },
      (request, socket, head) => {
        this.requests += 1;
        void serveUpgrade(daemon, request, socket, head);
      },
      (socket) => this.#audit.isWelcome(socket),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.stop("the test is over");
    await this.lifetime.ended;
    const server = await this.#server;
    server.close();
    server.closeAllConnections();
    this.#audit.close();
    rmSync(this.directory, { recursive: true });
  }
}

/** A result of `vm.run` with little in it. */
export function resultOf(exitCode: number): Awaited<ReturnType<VmRun>> {
  return {
    vm_id: "vm-test",
    environment: "debian:12",
    command: "",
    exit_code: exitCode,
    stdout: "",
    stderr: "",
    stdout_encoding: "utf-8" as const,
    stderr_encoding: "utf-8" as const,
    stdout_truncated: false,
    stderr_truncated: false,
    stdout_omitted_bytes: 0,
    stderr_omitted_bytes: 0,
    duration_ms: 0,
    timed_out: false,
    aborted: false,
    oom_killed: false,
    mem_mib: 1024,
    execution_mode: "host_compat",
    accelerator: null,
    cleanup: { deleted: true },
  };
}

/** Runs the command in this host's shell, as a VM would in its own. */
export const runInShell: VmRun = async (_core, input, call) => {
  if (input.environment === "unknown") throw new PyroError("ENVIRONMENT_UNKNOWN", "There is no such environment.");
  const child = spawn("/bin/sh", ["-c", input.command], { detached: true });
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? 0), signal);
    } catch (error) {
      // The command has ended, but its end is not reported yet.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const killGroup = () => signalGroup("SIGKILL");
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      killGroup();
    },
    (input.timeout_seconds ?? 30) * 1000,
  );
  if (call.signal.aborted) killGroup();
  call.signal.addEventListener("abort", killGroup);
  const forget = call.onInterrupt((signal) => signalGroup(`SIG${signal}`));
  const exited = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 137)));
  child.stdin.on("error", () => {});
  const feed = async () => {
    for await (const chunk of call.stdin ?? []) await new Promise((resolve) => child.stdin.write(chunk, resolve));
    child.stdin.end();
  };
  void feed();
  const pump = async (name: "stdout" | "stderr") => {
    for await (const chunk of child[name]) {
      await call.emit({ event: name, data: chunk as Buffer });
    }
  };
  await Promise.all([pump("stdout"), pump("stderr")]);
  const exitCode = await exited;
  clearTimeout(timer);
  call.signal.removeEventListener("abort", killGroup);
  forget();
  return {
    ...resultOf(timedOut ? 124 : exitCode),
    timed_out: timedOut,
    aborted: call.isCancelled() || call.signal.aborted,
  };
};

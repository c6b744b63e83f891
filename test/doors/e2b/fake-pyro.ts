import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";

import type { CallOptions } from "../../../src/client/client.js";
import { PyroError } from "../../../src/contract/errors.js";
import { limits } from "../../../src/contract/limits.js";
import type { ArgumentsOf, OperationName, ResultOf } from "../../../src/contract/operations.js";
import { quoteCommand } from "../../../src/contract/quote.js";
import type { Pyro } from "../../../src/doors/e2b/pyro.js";
import { taskOf } from "../../task-of.js";

interface Command {
  readonly child: ChildProcess;
  readonly output: { readonly stream: "stdout" | "stderr"; readonly data: Buffer }[];
  readonly ended: Promise<number>;
  onOutput: () => void;
}

interface FakeTask {
  state: "started" | "stopped";
  readonly name: string;
  readonly environment: string;
  readonly hasNetwork: boolean;
  readonly commands: Command[];
  readonly published: Set<number>;
}

/**
 * A daemon whose tasks are this machine: commands are processes of this user, files are those of the host. It shows what the gateway
 * asks of pyro, and answers as pyro does.
 */
export class FakePyro implements Pyro {
  readonly calls: { readonly name: string; readonly input: unknown }[] = [];
  readonly tasks = new Map<string, FakeTask>();
  readonly environments = ["debian:12"];
  hasNetwork = true;
  /** Called before an operation is performed; it may wait, or throw. */
  before: (name: string) => Promise<void> | void = () => {};
  /** Operations that a test performs itself. */
  readonly replaced = new Map<string, (input: never, options: CallOptions) => Promise<unknown>>();
  /** Performs the work of a build; it may send events, or throw. */
  onBuild: (options: CallOptions) => Promise<void> | void = () => {};
  /** The bytes of sources that were sent, by id. */
  readonly sources = new Map<string, Buffer>();
  /** Servers of this machine that stand for those in a guest. */
  readonly ports = new Map<number, number>();
  #count = 0;

  async perform<Name extends OperationName>(name: Name, input: ArgumentsOf<Name>, options: CallOptions = {}) {
    this.calls.push({ name, input });
    // As with a daemon, no answer comes in the same turn.
    await nextTurn();
    await this.before(name);
    const perform = this.replaced.get(name) ?? this.#operations[name as string];
    if (!perform) throw new Error(`The fake has no ${name}.`);
    return (await perform(input as never, options)) as ResultOf<Name>;
  }

  /** The inputs of all calls of an operation. */
  inputsOf(name: OperationName): readonly Record<string, unknown>[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input as Record<string, unknown>);
  }

  /** Ends all commands. */
  close(): void {
    for (const { commands } of this.tasks.values()) for (const { child } of commands) kill(child);
  }

  readonly #operations: Readonly<Record<string, (input: never, options: CallOptions) => Promise<unknown>>> = {
    "env.list": async () => ({ environments: this.environments.map((name) => ({ name, installed: true })) }),
    "env.save": async ({ name, source }: { name: string; source: string }) => {
      this.#find(source);
      if (this.environments.includes(name)) throw new PyroError("ALREADY_EXISTS", `${name} exists`);
      this.environments.push(name);
    },
    "env.remove": async ({ environment }: { environment: string }) => {
      if (!this.environments.includes(environment)) throw new PyroError("ENVIRONMENT_UNKNOWN", "unknown");
      if ([...this.tasks.values()].some((task) => task.environment === environment))
        throw new PyroError("FAILED_PRECONDITION", "in use");
      this.environments.splice(this.environments.indexOf(environment), 1);
    },
    doctor: async () => ({ capabilities: { guest_network: this.hasNetwork } }),
    "env.build.source": async (_input: object, { openUpload }: CallOptions) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of openUpload?.() ?? []) pieces.push(piece);
      const source = `source-${String(this.sources.size + 1).padStart(12, "0")}`;
      this.sources.set(source, Buffer.concat(pieces));
      return { source, entry_count: 1 };
    },
    "env.build": async ({ name }: { name: string }, options: CallOptions) => {
      await this.onBuild(options);
      if (!this.environments.includes(name)) this.environments.push(name);
    },
    "task.create": async ({ name, network, environment }: { name: string; network: boolean; environment: string }) => {
      if (environment.startsWith("e2b-") && !this.environments.includes(environment))
        throw new PyroError("ENVIRONMENT_UNKNOWN", environment);
      if ([...this.tasks.values()].some((task) => task.name === name)) throw new PyroError("ALREADY_EXISTS", name);
      if (network && !this.hasNetwork) throw new PyroError("HOST_NOT_ABLE", "no /dev/net/tun");
      return { ...this.#add(name, environment, network), network_enabled: network };
    },
    "task.fork": async ({ count }: { count: number }) => ({
      tasks: Array.from({ length: count }, () => this.#add("fork")),
    }),
    "task.status": async ({ task_id }: { task_id: string }) => {
      const { state, hasNetwork } = this.#find(task_id);
      return taskOf({ task_id, state, network_enabled: hasNetwork });
    },
    "task.network": async ({ task_id }: { task_id: string }) => taskOf({ task_id }),
    "task.stop": async ({ task_id }: { task_id: string }) => void (this.#find(task_id).state = "stopped"),
    "task.start": async ({ task_id }: { task_id: string }) => void (this.#find(task_id).state = "started"),
    "task.delete": async ({ task_id }: { task_id: string }) => {
      for (const { child } of this.#find(task_id).commands) kill(child);
      this.tasks.delete(task_id);
    },
    "task.exec": async (input: ArgumentsOf<"task.exec">, options: CallOptions) => this.#exec(input, options),
    "task.follow": async (input: ArgumentsOf<"task.follow">, options: CallOptions) => {
      const command = this.#find(input.task_id).commands[input.sequence - 1];
      if (!command) throw new PyroError("NOT_FOUND", "no such command");
      return this.#follow(command, input.stdout_offset ?? 0, options);
    },
    "task.exec_signal": async ({ task_id, sequence }: { task_id: string; sequence: number }) => {
      kill(this.#find(task_id).commands[sequence - 1]?.child);
    },
    "task.port.publish": async ({ task_id, port }: { task_id: string; port: number }) => {
      const { published } = this.#find(task_id);
      if (published.size >= limits.publishedPorts) throw new PyroError("RESOURCE_EXHAUSTED", "too many ports");
      published.add(port);
      return { host_port: this.ports.get(port) ?? 1 };
    },
    "task.port.close": async ({ task_id, port }: { task_id: string; port: number }) =>
      void this.#find(task_id).published.delete(port),
    "task.file.write": async (input: { path: string; append?: boolean; mode?: string }, { stdin }: CallOptions) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of stdin ?? []) pieces.push(piece);
      mkdirSync(dirname(input.path), { recursive: true });
      const bytes = Buffer.concat(pieces);
      if (input.append) appendFileSync(input.path, bytes);
      else writeFileSync(input.path, bytes, { mode: Number.parseInt(input.mode ?? "0644", 8) });
    },
    "task.file.fetch": async (
      input: { path: string; offset?: number; max_bytes?: number },
      { onEvent }: CallOptions,
    ) => {
      const { offset = 0, max_bytes = Infinity } = input;
      await onEvent?.({ event: "stdout", data: readFileSync(input.path).subarray(offset, offset + max_bytes) });
    },
  };

  #add(name: string, environment = "", hasNetwork = false) {
    const task_id = `task-${String((this.#count += 1)).padStart(12, "0")}`;
    this.tasks.set(task_id, { state: "started", name, environment, hasNetwork, commands: [], published: new Set() });
    return taskOf({ task_id });
  }

  #find(taskId: string): FakeTask {
    const task = this.tasks.get(taskId);
    if (!task) throw new PyroError("NOT_FOUND", `There is no task ${taskId}.`);
    return task;
  }

  async #exec(input: ArgumentsOf<"task.exec">, options: CallOptions): Promise<unknown> {
    const { commands } = this.#find(input.task_id);
    const { username, homedir } = userInfo();
    if (input.user !== undefined && input.user !== username && input.user !== "root") {
      return { exit_code: null, error: { code: "INVALID_ARGUMENT", message: "no user" }, stderr: "" };
    }
    const base = { PATH: process.env["PATH"], HOME: homedir, USER: username, LOGNAME: username, SHELL: "/bin/sh" };
    const line = typeof input.command === "string" ? input.command : quoteCommand(input.command);
    const stdio = [options.stdin ? "pipe" : "ignore", "pipe", "pipe"] as const;
    const child = spawn("/bin/sh", ["-c", line], {
      env: { ...base, ...input.env },
      cwd: "/",
      stdio: [...stdio],
      detached: true,
    });
    options.signal?.addEventListener("abort", () => kill(child), { once: true });
    const command = observe(child);
    commands.push(command);
    await options.onEvent?.({ event: "started", sequence: commands.length });
    void pump(options.stdin, child);
    return this.#follow(command, 0, options);
  }

  /** The output from an offset on, and the end. Without regard to the streams' own offsets: tests that follow use one stream. */
  async #follow(command: Command, offset: number, { onEvent, detachSignal }: CallOptions): Promise<unknown> {
    let [at, skip] = [0, offset];
    const exit = command.ended.then((code) => ({ code }));
    const detached = new Promise<"detached">((resolve) =>
      detachSignal?.addEventListener("abort", () => resolve("detached"), { once: true }),
    );
    for (;;) {
      for (; at < command.output.length; at += 1) {
        const piece = command.output[at]!;
        const data = piece.data.subarray(Math.min(skip, piece.data.length));
        skip -= piece.data.length - data.length;
        if (data.length > 0) await onEvent?.({ event: piece.stream, data });
      }
      const more = new Promise<"more">((resolve) => (command.onOutput = () => resolve("more")));
      const next = at < command.output.length ? "more" : await Promise.race([more, exit, detached]);
      if (next === "detached") throw new PyroError("ABORTED", "The client disconnected.");
      if (next !== "more" && at === command.output.length)
        return { exit_code: next.code, error: null, oom_killed: false };
    }
  }
}

function observe(child: ChildProcess): Command {
  const output: Command["output"] = [];
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
  const command: Command = { child, output, ended, onOutput: () => {} };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (data: Buffer) => {
      output.push({ stream, data });
      command.onOutput();
    });
  }
  return command;
}

async function pump(source: AsyncIterable<Uint8Array> | undefined, child: ChildProcess): Promise<void> {
  child.stdin?.on("error", () => {});
  const { stdin } = child;
  if (!stdin) return;
  for await (const piece of source ?? []) {
    if (!stdin.write(piece)) await Promise.race([once(stdin, "drain"), once(stdin, "close")]).catch(() => {});
    if (stdin.destroyed) return;
  }
  stdin.end();
}

function kill(child: ChildProcess | undefined): void {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

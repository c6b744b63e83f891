import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { Client } from "../../../src/client/client.js";
import { performOperation } from "../../../src/client/perform.js";
import type { ArgumentsOf } from "../../../src/contract/operations.js";
import { readTree } from "../../client/pull/guest.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A task on the agent as a plain process, made from a directory of this host. */
export class PulledProject implements AsyncDisposable {
  readonly client: Client;
  readonly taskId: string;
  readonly host: string;
  /** The task's workspace, as a directory of this host. */
  readonly workspace: string;
  readonly #machines: AgentMachines;
  readonly #opened: Awaited<ReturnType<typeof openTasks>>;

  private constructor(
    opened: Awaited<ReturnType<typeof openTasks>>,
    machines: AgentMachines,
    { client, taskId, host }: { client: Client; taskId: string; host: string },
  ) {
    this.#opened = opened;
    this.#machines = machines;
    this.client = client;
    this.taskId = taskId;
    this.host = host;
    this.workspace = machines.workspaces.at(-1) ?? "";
  }

  static async open(
    t: TestContext,
    files: Readonly<Record<string, string>>,
    fields: Partial<ArgumentsOf<"task.create">> = {},
  ): Promise<PulledProject> {
    const machines = new AgentMachines();
    const opened = await openTasks(temporaryDirectory(t), machines);
    const host = join(opened.daemon.directory, "host");
    mkdirSync(host);
    writeFiles(host, files);
    const client = new Client(opened.daemon.env);
    const input = { environment: "debian:12", source_path: host, ...fields };
    const { task_id: taskId } = await performOperation(client, "task.create", input);
    return new PulledProject(opened, machines, { client, taskId, host });
  }

  /** The text of every file of the host by its path. */
  hostFiles(): Record<string, string> {
    const files = [...readTree(this.host)].flatMap(([path, node]) => (node.type === "file" ? [[path, node.text]] : []));
    return Object.fromEntries(files) as Record<string, string>;
  }

  /** The directory of this test, in which PYRO_HOME and the host's directory lie. */
  get directory(): string {
    return this.#opened.daemon.directory;
  }

  get env(): NodeJS.ProcessEnv {
    return this.#opened.daemon.env;
  }

  cli(...args: string[]) {
    return this.#opened.cli(...args);
  }

  pull(fields: Omit<ArgumentsOf<"task.sync.pull">, "task_id"> = {}) {
    return performOperation(this.client, "task.sync.pull", { task_id: this.taskId, ...fields });
  }

  push(fields: Partial<ArgumentsOf<"task.sync.push">> = {}) {
    return performOperation(this.client, "task.sync.push", { task_id: this.taskId, source_path: this.host, ...fields });
  }

  undo() {
    return performOperation(this.client, "task.sync.undo", { task_id: this.taskId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.daemon[Symbol.asyncDispose]();
    await this.#machines[Symbol.asyncDispose]();
  }
}

export function writeFiles(root: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

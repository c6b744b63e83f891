import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { listNames, readJson, rm } from "../../host/files.js";
import type { Pyro } from "./pyro.js";
import { replaceFile } from "./replace-file.js";
import { sandboxRecord, type SandboxRecord } from "./sandbox-record.js";

/** The records of sandboxes on disk, a file for each. */
export class SandboxFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  save(record: SandboxRecord): void {
    replaceFile(this.#pathOf(record.id), JSON.stringify(record));
  }

  async remove(id: string): Promise<void> {
    await rm(this.#pathOf(id), { force: true });
  }

  /** Those of an earlier gateway, each with the present state of its task. The file of a task that is gone is removed. */
  async *read(pyro: Pyro, log: (message: string) => void): AsyncGenerator<SandboxRecord> {
    for (const name of await listNames(this.#directory)) {
      if (!name.endsWith(".json")) continue;
      const path = join(this.#directory, name);
      const { data: record } = sandboxRecord.safeParse(await readJson(path));
      if (!record) log(`${path} is damaged, or of a newer pyro; its sandbox is left alone.`);
      else if (record.savedAs !== undefined) yield record;
      else {
        const state = await readState(pyro, record);
        if (state === null) await this.remove(record.id);
        else yield { ...record, state };
      }
    }
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}

/** Null when its task is gone. */
async function readState(pyro: Pyro, { taskId }: SandboxRecord): Promise<SandboxRecord["state"] | null> {
  try {
    const { state } = await pyro.perform("task.status", { task_id: taskId });
    return state === "stopped" ? "paused" : "running";
  } catch (error) {
    if (PyroError.from(error).code === "NOT_FOUND") return null;
    throw error;
  }
}

import { createHash } from "node:crypto";

import { PyroError } from "../../../contract/errors.js";
import type { InputOf } from "../../../contract/operations.js";
import { SharedWork } from "../../../host/shared-work.js";
import type { Call } from "../../call.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { createTask, type NewTaskParts } from "../create-task.js";
import type { Task } from "../task.js";
import { prepareSetup, SETUP_FAILED } from "./prepare.js";

type CreateInput = InputOf<"task.create">;

/** Maximum number of kept results, for all setups together. */
const MOST_KEPT = 16;

/** Creates tasks with a setup: it runs once for each content of its key files, and its result starts every task. */
export class Setups {
  readonly #parts: NewTaskParts;
  readonly #preparing = new SharedWork<Snapshot, string>();

  constructor(parts: NewTaskParts) {
    this.#parts = parts;
  }

  /** Throws FAILED_PRECONDITION with the output when the setup fails; then no result is kept. */
  async create(input: CreateInput & { setup: string }, call: Call): Promise<Task> {
    const key = await this.#keyOf(input, call);
    for (;;) {
      const known = await this.#find(key);
      const origin = known === null ? await this.#make(input, key, call) : { snapshot: known, seedsAgain: true };
      if (origin === null) continue;
      try {
        return await createTask(this.#parts, input, call, origin);
      } catch (error) {
        const isRemoved = !this.#parts.snapshots.listSetups().includes(origin.snapshot);
        if (!isRemoved || PyroError.from(error).code !== "NOT_FOUND") throw error;
      }
    }
  }

  /** Makes the result, or waits for the caller that is making it; null when the source of that caller caused a failure. */
  async #make(input: CreateInput & { setup: string }, key: string, call: Call) {
    let isOwner = false;
    const prepare = async ({ signal }: Pick<Call, "signal">) => {
      isOwner = true;
      return this.#prepare(input, key, { ...call, signal });
    };
    try {
      const snapshot = await this.#preparing.join(key, this.#follow(call), prepare);
      return { snapshot, seedsAgain: !isOwner };
    } catch (error) {
      const { details } = PyroError.from(error);
      if (isOwner || call.signal.aborted || details["reason"] === SETUP_FAILED) throw error;
      return null;
    }
  }

  #follow({ signal, emit }: Call) {
    return {
      signal,
      onProgress: (message: string) => void emit({ event: "progress", phase: "setup", message }),
    };
  }

  async #prepare(input: CreateInput & { setup: string }, key: string, call: Call): Promise<Snapshot> {
    const snapshot = await prepareSetup(this.#parts, input, key, call);
    const { snapshots } = this.#parts;
    for (const { record } of snapshots.listSetups().slice(0, -MOST_KEPT)) {
      await snapshots.delete(record.snapshot_id).catch(() => {});
    }
    return snapshot;
  }

  /** The result of an earlier setup. Removes a result that can no longer be used. */
  async #find(key: string): Promise<Snapshot | null> {
    const { machines, snapshots } = this.#parts;
    const found = snapshots.listSetups().find(({ record }) => record.setup_key === key);
    if (!found) return null;
    if ((await machines.checkSnapshot(found)) === null) return found;
    await snapshots.delete(found.record.snapshot_id).catch(() => {});
    return null;
  }

  /** A digest of everything that the result of a setup depends on. */
  async #keyOf(input: CreateInput, call: Call): Promise<string> {
    const { vcpu_count, mem_mib, disk_mib, network, setup, setup_digest = null, env } = input;
    const environment = await this.#parts.machines.identify(input.environment, call);
    const source = input.source_path === undefined ? null : input.source_kind;
    const parts = [
      environment,
      setup,
      setup_digest,
      vcpu_count,
      mem_mib,
      disk_mib,
      network,
      Object.entries(env),
      source,
      ...(input.user === undefined ? [] : [input.user]),
    ];
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }
}

/** Throws INVALID_ARGUMENT for key files without a setup, or without their digest. */
export function assertSetup({ setup, setup_key, setup_digest }: CreateInput): void {
  if (setup_key.length === 0) return;
  if (setup === undefined) {
    throw new PyroError("INVALID_ARGUMENT", "`setup_key` needs a `setup`.", { hint: "Add --setup COMMAND." });
  }
  if (setup_digest !== undefined) return;
  throw new PyroError("INVALID_ARGUMENT", "The client has not read the key files of the setup.", {
    hint: "Send `setup_digest`, a digest of their content, with `setup_key`.",
    details: { setup_key },
  });
}

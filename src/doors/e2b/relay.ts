import { Duplex } from "node:stream";

import type { OperationEvent } from "../../contract/operation.js";
import { limits } from "../../contract/limits.js";
import { InputQueue } from "./input-queue.js";
import type { Pyro } from "./pyro.js";

/**
 * One connection to a server in a sandbox through a command of its task: unlike a published port, no other program of this host can use
 * it. It ends without a byte when no server listens.
 */
export class Relay extends Duplex {
  readonly #input = new InputQueue();
  readonly #ending = new AbortController();
  #onRead = () => {};

  /** `program`: the gateway's program in the guest. */
  constructor(pyro: Pyro, taskId: string, program: string, port: number) {
    super({ allowHalfOpen: true });
    const command = [program, "relay", String(port)];
    const place = { task_id: taskId, command, cwd: "/", user: "root", timeout_seconds: limits.timeoutSeconds.max };
    const onEvent = async (event: OperationEvent) => {
      if (event.event !== "stdout" || this.push(Buffer.from(event.data))) return;
      await new Promise<void>((resolve) => (this.#onRead = resolve));
    };
    pyro
      .perform("task.exec", place, { stdin: this.#input, onEvent, signal: this.#ending.signal })
      .finally(() => this.#input.drop())
      .then(
        () => this.push(null),
        (error: Error) => this.destroy(error),
      );
  }

  override _read(): void {
    this.#onRead();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    void this.#give(bytes, done);
  }

  /** Bytes for a server that is gone are lost, as on any connection. */
  async #give(bytes: Buffer, done: () => void): Promise<void> {
    await this.#input.push(bytes);
    done();
  }

  override _final(done: () => void): void {
    this.#input.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ending.abort();
    this.#onRead();
    done(error);
  }
}

import { PyroError } from "../../contract/errors.js";
import type { OutputChunk } from "./call-options.js";
import type { OutputQueue } from "./output-queue.js";

/**
 * A running command. `await` it for its result; iterate over it for its output as it arrives. You can do both at once.
 *
 * The command starts at once. Its output is held until you await or iterate. If you await without having started to
 * iterate, only the result has the output. Leaving the loop early cancels the command; the loop ends when the command has.
 */
export class Execution<Result> implements PromiseLike<Result>, AsyncIterable<OutputChunk> {
  readonly #result: Promise<Result>;
  readonly #output: OutputQueue;
  readonly #cancel: () => void;

  constructor(result: Promise<Result>, output: OutputQueue, cancel: () => void) {
    this.#result = result;
    this.#output = output;
    this.#cancel = cancel;
  }

  /** Resolves with the result when the command has ended. Rejects with a `PyroError` when pyro, not the command, has failed. */
  // oxlint-disable-next-line unicorn/no-thenable -- an execution is meant to be awaited.
  then<Value = Result, Reason = never>(
    onFulfilled?: ((result: Result) => Value | PromiseLike<Value>) | null,
    onRejected?: ((error: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    this.#output.dropUnlessRead();
    return this.#result.then(onFulfilled, onRejected);
  }

  catch<Reason = never>(
    onRejected?: ((error: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Result | Reason> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.then((result) => result).finally(onFinally);
  }

  /**
   * Ends the command: sends INT, and 5 s later kills every process it started. The second call kills at once. The
   * result has `aborted: true`. Has no effect when the command has ended.
   */
  cancel(): void {
    this.#cancel();
  }

  /** The output. Can be read once; throws `FAILED_PRECONDITION` the second time. */
  [Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    if (!this.#output.claim()) {
      throw new PyroError("FAILED_PRECONDITION", "The output of this command was already read.", {
        hint: "Iterate over an execution once.",
      });
    }
    // The loop reports a failure at its end.
    this.#result.catch(() => {});
    return this.#read();
  }

  async *#read(): AsyncGenerator<OutputChunk, void, undefined> {
    let isWhole = false;
    try {
      for (let chunk = await this.#output.take(); chunk !== null; chunk = await this.#output.take()) yield chunk;
      await this.#result;
      isWhole = true;
    } finally {
      if (!isWhole) {
        this.#output.drop();
        this.#cancel();
        await this.#result.catch(() => {});
      }
    }
  }
}

import { PyroError } from "../../contract/errors.js";
import type { OutputChunk } from "./call-options.js";
import type { OutputQueue } from "./output-queue.js";

/**
 * A command that runs. `await` it for its result; iterate over it for its output as it comes. Do either, or both at once.
 *
 * The command begins at once. Its output waits for you until you await or iterate: from then on, who awaits without having
 * begun to iterate gets the output in the result only. Leaving the loop early cancels the command; the loop ends when it has.
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

  /** The result, when the command has ended. Rejects with a `PyroError` when pyro, not the command, has failed. */
  // oxlint-disable-next-line unicorn/no-thenable -- being awaited is what it is for.
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
   * Ends the command: it gets INT, and 5 s later everything that it has started is killed. Called again, it kills at once. The
   * result then says `aborted`. Has no effect when the command has ended.
   */
  cancel(): void {
    this.#cancel();
  }

  /** The output, once. Throws `FAILED_PRECONDITION` when it is read already. */
  [Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    if (!this.#output.claim()) {
      throw new PyroError("FAILED_PRECONDITION", "The output of this command is read already.", {
        hint: "Iterate over an execution once.",
      });
    }
    // The loop tells of a failure once it comes to the end.
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

/**
 * Turns a function that gives one value after the other into an iterable. `give` resolves when the reader asks for the next value. An
 * error of the function reaches the reader. When the reader stops, `give` throws.
 */
export async function* handOver<Value>(
  produce: (give: (value: Value) => Promise<void>) => Promise<void>,
): AsyncGenerator<Value> {
  const exchange = new Exchange<Value>();
  const producing = produce((value) => exchange.give(value)).then(
    () => exchange.end(),
    (error: unknown) => exchange.fail(error),
  );
  try {
    for (let next = await exchange.take(); next !== null; next = await exchange.take()) yield next.value;
  } finally {
    exchange.stop();
    await producing;
  }
}

interface Offer<Value> {
  readonly value: Value;
  readonly taken: () => void;
  readonly refuse: (error: Error) => void;
}

/** A slot for one value, from its delivery until the next value is requested. */
class Exchange<Value> {
  #offer: Offer<Value> | null = null;
  #outcome: { readonly error?: unknown } | null = null;
  #isStopped = false;
  #wake = () => {};

  give(value: Value): Promise<void> {
    return new Promise<void>((taken, refuse) => {
      if (this.#isStopped) return refuse(stopped());
      this.#offer = { value, taken, refuse };
      this.#wake();
    });
  }

  end(): void {
    this.#outcome = {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#outcome = { error };
    this.#wake();
  }

  /** The next value; null at the end. Rethrows the producer's error. */
  async take(): Promise<Offer<Value> | null> {
    this.#offer?.taken();
    this.#offer = null;
    while (this.#offer === null && this.#outcome === null) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#offer === null && this.#outcome !== null && "error" in this.#outcome) throw this.#outcome.error;
    return this.#offer;
  }

  stop(): void {
    this.#isStopped = true;
    this.#offer?.refuse(stopped());
  }
}

function stopped(): Error {
  return new Error("the reader has stopped");
}

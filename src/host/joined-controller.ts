/**
 * A controller that also aborts with the first of some signals, or after a time. Dispose it when the work ends: it then listens to
 * no signal any more, and its timer is cleared. Use it instead of `AbortSignal.any` and `AbortSignal.timeout`: on Node.js 20 the
 * garbage collector takes a time-out that only a joined signal refers to, so a wait may never end (nodejs/node PR 57867).
 */
export class JoinedController extends AbortController implements Disposable {
  readonly #signals: readonly AbortSignal[];
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = (event: Event) => this.abort((event.target as AbortSignal).reason);

  constructor(signals: readonly AbortSignal[], timeoutMs?: number) {
    super();
    this.#signals = signals;
    for (const signal of signals) {
      if (signal.aborted) this.abort(signal.reason);
      else signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (timeoutMs !== undefined && !this.signal.aborted) {
      this.#timer = setTimeout(
        () => this.abort(new DOMException("The deadline has passed.", "TimeoutError")),
        timeoutMs,
      );
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
  }
}

import type { Call } from "../call.js";
import type { Logs } from "./logs.js";

/** How long a command is held back for a client that reconnects after a daemon restart, or after its connection broke. */
const RETURN_GRACE_MS = 15_000;

/** Keeps the output of a command for its client, which may reconnect. */
export class Reconnecting {
  #isAwaited = true;
  #followers = 0;
  #leave = () => {};

  /** Called when this daemon starts the command: it has no client of an earlier daemon. */
  begin(): void {
    this.#isAwaited = false;
  }

  /** Called when this daemon finds the command: keeps output for a client of the previous daemon, unless one has followed already. */
  resume(logs: Logs): void {
    if (this.#isAwaited) this.#keep(logs);
  }

  /**
   * Called before a client takes output. When its connection breaks while it is the only one, output is kept, as long as `mayReturn`
   * allows it. Disposed when the client has its output.
   */
  watch(logs: Logs, call: Call, mayReturn: () => boolean): Disposable {
    this.#isAwaited = false;
    this.#followers += 1;
    const onAbort = () => {
      if (this.#followers === 1 && !call.isCancelled() && mayReturn()) this.#keep(logs);
    };
    call.signal.addEventListener("abort", onAbort);
    return {
      [Symbol.dispose]: () => {
        this.#followers -= 1;
        call.signal.removeEventListener("abort", onAbort);
      },
    };
  }

  /** Keeps no output any more. */
  giveUp(): void {
    this.#leave();
  }

  #keep({ stdout, stderr }: Logs): void {
    this.#leave();
    const places = [stdout.keepPlace(), stderr.keepPlace()];
    const timer = setTimeout(() => this.#leave(), RETURN_GRACE_MS).unref();
    this.#leave = () => {
      clearTimeout(timer);
      for (const place of places) place.leave();
      this.#leave = () => {};
    };
  }
}

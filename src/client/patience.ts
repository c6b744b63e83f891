import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../contract/errors.js";

/** How often a broken connection to this machine's daemon is retried before the call fails. */
export const MAX_RETURNS = 20;
const RETURN_DELAY_MS = 100;
/** How long a connection to another machine may be down before a call gives up. */
const MAX_OUTAGE_MS = 60_000;
const MAX_PAUSE_MS = 2_000;
/** A connection that lasts longer than this ends an outage, even if no byte arrived over it. */
const LASTING_MS = 2_000;

/** How long one call waits for a daemon that it has lost. */
export interface Patience {
  /** Waits before the next try. False when the call has to fail. */
  wait(error: unknown): Promise<boolean>;
  /** Called when the daemon has answered: the connection may stay quiet from now on. */
  reached(): void;
  /** Called when bytes have arrived over the connection. */
  reset(): void;
}

/** For a daemon that died, and is started again at once. */
export function countReturns(): Patience {
  let returns = 0;
  return {
    async wait() {
      if (returns === MAX_RETURNS) return false;
      returns += 1;
      await sleep(RETURN_DELAY_MS);
      return true;
    },
    reached() {},
    reset() {},
  };
}

/** For a network that may be down for a while. A machine that was not reached before is not waited for. */
export function waitForNetwork(): Patience {
  let since: number | null = null;
  let reachedAt: number | null = null;
  let pauseMs = RETURN_DELAY_MS;
  const reset = () => {
    since = null;
    pauseMs = RETURN_DELAY_MS;
  };
  return {
    async wait(error) {
      if (reachedAt !== null && performance.now() - reachedAt > LASTING_MS) reset();
      reachedAt = null;
      const wasReached = !(error instanceof PyroError) || error.details["connected"] !== false;
      if (since === null && !wasReached) return false;
      since ??= performance.now();
      if (performance.now() - since > MAX_OUTAGE_MS) return false;
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      return true;
    },
    reached() {
      reachedAt = performance.now();
    },
    reset,
  };
}

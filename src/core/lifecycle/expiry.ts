/** Interval between checks for expiry. */
const REAP_EVERY_MS = 1_000;

/** The time at which something last used at `usedAt` expires. Wall-clock time, so that host sleep and daemon downtime count. */
export function expiryOf(usedAt: string, ttlSeconds: number): string {
  return new Date(Date.parse(usedAt) + ttlSeconds * 1000).toISOString();
}

/** Null never expires. */
export function hasExpired(expiresAt: string | null, now: number): boolean {
  return expiresAt !== null && now >= Date.parse(expiresAt);
}

/** Reaps at this interval until the timer is cleared. */
export function reapRegularly(reap: () => Promise<unknown>): NodeJS.Timeout {
  return setInterval(() => void reap(), REAP_EVERY_MS).unref();
}

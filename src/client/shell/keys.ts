import { setTimeout as sleep } from "node:timers/promises";

/** Ctrl-\ */
const DETACH = 0x1c;
/** How long the first Ctrl-\ is held back, to wait for a second one. */
const HELD_MS = 500;

/** The typed keys until Ctrl-\ is typed twice. Both are left out, and the callback is called. */
export function untilDetached(source: AsyncIterable<Uint8Array>, onDetach: () => void): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => readKeys(source, onDetach) };
}

async function* readKeys(source: AsyncIterable<Uint8Array>, onDetach: () => void): AsyncGenerator<Uint8Array, void> {
  const keys = source[Symbol.asyncIterator]();
  let isHeld = false;
  let next = keys.next();
  for (;;) {
    const typed: IteratorResult<Uint8Array> | null = isHeld
      ? await Promise.race([next, sleep(HELD_MS, null)])
      : await next;
    if (typed === null) {
      isHeld = false;
      yield Buffer.of(DETACH);
      continue;
    }
    if (typed.done) return;
    next = keys.next();
    const passed: number[] = [];
    for (const key of typed.value) {
      if (key === DETACH && isHeld) return onDetach();
      if (key !== DETACH && isHeld) passed.push(DETACH);
      isHeld = key === DETACH;
      if (!isHeld) passed.push(key);
    }
    if (passed.length > 0) yield Buffer.from(passed);
  }
}

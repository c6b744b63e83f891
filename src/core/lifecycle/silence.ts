import type { FoundMachine } from "../../backend/backend.js";

/** How long an adopted VM may stay silent before it is shown as not answering. */
const SILENCE_MS = 1_000;

/** Returns a function that returns why a machine does not work at the moment, or null. */
export function watchSilence(machine: FoundMachine): () => string | null {
  const foundAtMs = performance.now();
  let isSilent = true;
  const answered = () => void (isSilent = false);
  machine.ready.then(answered, answered);
  return () => {
    const stall = machine.stall();
    if (stall !== null) return `its VM is paused: ${stall}`;
    return isSilent && performance.now() - foundAtMs > SILENCE_MS
      ? "its VM has not answered since a new daemon adopted it; calls wait for it"
      : null;
  };
}

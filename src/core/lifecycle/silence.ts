import type { FoundMachine } from "../../backend/backend.js";

/** A found VM that has not answered by then is shown as one that stands still. */
const SILENCE_MS = 1_000;

/** Tells, whenever it is asked, why a machine is of no use at the moment; null when it is. */
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

import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import type { Qmp } from "./qmp.js";

/** Interval at which a paused VM is resumed. */
const AGAIN_MS = 1_000;

const runState = z.looseObject({ status: z.string() });

/**
 * QEMU pauses a VM whose write finds the host's disk full, and keeps the write: the guest has lost nothing. This has it go on as soon
 * as there is room. Tells, whenever it is asked, whether the VM is paused, or was a moment ago.
 */
export function resumeWhenRoom(monitor: Promise<Qmp>): () => boolean {
  let isPaused = false;
  let isLooking = false;
  let mustLook = true;
  const look = async (qmp: Qmp) => {
    if (isLooking) return;
    isLooking = true;
    try {
      while (mustLook) {
        mustLook = false;
        while ((await readStatus(qmp)) === "io-error") {
          isPaused = true;
          await qmp.execute("cont");
          await sleep(AGAIN_MS, undefined, { ref: false });
        }
        isPaused = false;
      }
    } finally {
      isLooking = false;
    }
  };
  monitor
    .then((qmp) => {
      qmp.onEvent = (name) => {
        if (name !== "STOP") return;
        mustLook = true;
        look(qmp).catch(() => {});
      };
      // An earlier daemon may have heard of it, and died.
      return look(qmp);
    })
    .catch(() => {});
  return () => isPaused;
}

async function readStatus(qmp: Qmp): Promise<string> {
  return runState.parse(await qmp.execute("query-status")).status;
}

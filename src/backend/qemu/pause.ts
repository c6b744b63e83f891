import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import type { Qmp } from "./qmp.js";

/** Interval at which a paused VM is resumed. */
const AGAIN_MS = 1_000;

const runState = z.looseObject({ status: z.string() });

/** A watch over the pauses of one VM. */
export interface PauseWatch {
  /** True while QEMU has paused the VM, or when it had a moment ago. */
  isPaused(): boolean;
  /** Resolves when a pause that an earlier daemon left has ended. */
  readonly begun: Promise<void>;
}

/**
 * QEMU pauses a VM whose write finds the host's disk full, and keeps the write: the guest has lost nothing. This has it continue as soon
 * as there is room. It also continues a VM whose daemon was killed while it made a snapshot.
 */
export function resumeWhenRoom(monitor: Promise<Qmp>): PauseWatch {
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
  const begun = monitor.then(async (qmp) => {
    if ((await readStatus(qmp)) === "paused") await qmp.execute("cont");
    qmp.onEvent = (name) => {
      if (name !== "STOP") return;
      mustLook = true;
      look(qmp).catch(() => {});
    };
    // An earlier daemon may have received the event, and died.
    look(qmp).catch(() => {});
  });
  begun.catch(() => {});
  return { isPaused: () => isPaused, begun };
}

async function readStatus(qmp: Qmp): Promise<string> {
  return runState.parse(await qmp.execute("query-status")).status;
}

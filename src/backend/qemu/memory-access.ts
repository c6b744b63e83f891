import { setTimeout as sleep } from "node:timers/promises";

import { readChildren, readCommandLine } from "../../host/process.js";
import type { Problem } from "../backend.js";
import { describeDenial } from "./denial.js";
import { whileInJail } from "./jailed-tool.js";
import { tryReading } from "./pages.js";
import type { Toolchain } from "./toolchain.js";

const START_DEADLINE_MS = 10_000;
const POLL_MS = 5;

/** Tries to read the memory of a QEMU in a jail, as a snapshot would. Null when that works. */
export async function tryMemory(toolchain: Toolchain, pagesPath: string): Promise<Problem | null> {
  const words = [toolchain.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "none", "-S"];
  const denial = await whileInJail(toolchain, words, async (inside) => {
    // No jail could be made: another check reports that.
    if (inside === null) return null;
    for (const end = performance.now() + START_DEADLINE_MS; performance.now() < end; await sleep(POLL_MS)) {
      const pid = readChildren(inside.pid).find((child) => readCommandLine(child)[0] === toolchain.qemu);
      if (pid !== undefined) return tryReading(pagesPath, pid);
    }
    return "no QEMU started in time to try it with";
  });
  return denial === null ? null : describeDenial(denial);
}

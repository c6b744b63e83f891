import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isTemporaryName } from "../src/host/temporary.js";

/** The first VM of a template has a checkpoint begun soon after it has started. */
const BEGIN_MS = 300;
const DEADLINE_MS = 60_000;
const POLL_MS = 50;

/** Resolves when no checkpoint is being made in a home, so that the next VMs continue the ones that there are. */
export async function untilCheckpointed(homePath: string): Promise<void> {
  const templates = join(homePath, "templates");
  const isMaking = () => readdirSync(templates).some((key) => readdirSync(join(templates, key)).some(isTemporaryName));
  await sleep(BEGIN_MS);
  for (let left = DEADLINE_MS; isMaking(); left -= POLL_MS) {
    if (left <= 0) throw new Error("a checkpoint takes too long");
    await sleep(POLL_MS);
  }
}

import type { Handler } from "../core.js";
import { environmentFacts } from "./facts.js";
import { savedDiskFacts, savedMemoryFacts } from "./saved-facts.js";

/** Builds, checks or repairs an environment, and reports its progress. */
export const envPull: Handler<"env.pull"> = async (core, input, call) => {
  const memory = core.snapshots.findSaved(input.environment);
  if (memory !== null) return { ...(await savedMemoryFacts(core, memory)), built: false, repaired: false };
  let sent: Promise<void> = Promise.resolve();
  const { environment, built, repaired, registryChecked } = await core.environments.pull(input.environment, {
    rebuild: input.rebuild,
    update: input.update,
    plainHttp: input.plain_http,
    signal: call.signal,
    onProgress: ({ phase, message, fraction }) => {
      // A caller that disconnected aborts the signal; its progress is dropped.
      sent = sent.then(() => call.emit({ event: "progress", phase, message, fraction })).catch(() => {});
    },
  });
  await sent;
  const saved = core.environments.saved.find(input.environment);
  if (saved !== null) return { ...(await savedDiskFacts(core, saved)), built, repaired };
  const facts = await environmentFacts(environment.recipe, environment, core.environments.sourceDescription);
  return { ...facts, built, repaired, ...(registryChecked !== null && { registry_checked: registryChecked }) };
};

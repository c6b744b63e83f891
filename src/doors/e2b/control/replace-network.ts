import { z } from "zod";

import { readJsonBody, Refusal, sendEmpty } from "../answer.js";
import type { Sandbox } from "../sandbox.js";
import type { ControlCall } from "./call.js";
import { parseNetwork, rulesForm, type TaskNetwork } from "./network.js";

const updateForm = rulesForm.extend({ allow_internet_access: z.boolean().nullish() });

/** Replaces the rules of a running sandbox. What servers in it ask of their clients stays. */
export async function replaceNetwork({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { data: given, error } = updateForm.safeParse(await readJsonBody(exchange.request));
  if (!given) throw new Refusal(400, z.prettifyError(error));
  const sandbox = sandboxes.find(id);
  await sandbox.settled();
  const { allow_internet_access, ...network } = given;
  const allowInternet = allow_internet_access ?? true;
  const wanted = parseNetwork(network, allowInternet);
  if (sandbox.record.state !== "running") throw new Refusal(409, `Sandbox ${id} is paused.`);
  await applyRules(sandbox, wanted);
  const { allowPublicTraffic, maskRequestHost } = sandbox.record.network ?? {};
  const kept = Object.entries({ allowPublicTraffic, maskRequestHost }).filter(([, value]) => value !== undefined);
  sandbox.update({ allowInternet, network: { ...Object.fromEntries(kept), ...network } });
  sendEmpty(exchange.response, 204);
}

async function applyRules({ record, pyro }: Sandbox, { rules, isClosed }: TaskNetwork): Promise<void> {
  const { network_enabled } = await pyro.perform("task.status", { task_id: record.taskId });
  if (network_enabled) await pyro.perform("task.network", { task_id: record.taskId, ...rules });
  else if (!isClosed) throw new Refusal(409, `Sandbox ${record.id} has no network: this host cannot give one.`);
}

import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { parseNetwork } from "./control/network.js";
import type { NewSandbox } from "./control/new-sandbox.js";
import type { Pyro } from "./pyro.js";

export type TaskFields = Pick<
  ArgumentsOf<"task.create">,
  "environment" | "setup" | "vcpu_count" | "mem_mib" | "ttl_seconds"
>;

/** The network of a sandbox that asks for nothing. */
const openNetwork = { taskNetwork: parseNetwork(undefined, true), network: undefined };

/** Where this host cannot give VMs a network, a sandbox that did not ask for rules of its own has none: less than it may, not more. */
export async function createSandboxTask(
  { pyro, log }: { readonly pyro: Pyro; readonly log: (message: string) => void },
  id: string,
  fields: TaskFields,
  { taskNetwork, network }: Pick<NewSandbox, "taskNetwork" | "network"> = openNetwork,
): Promise<ResultOf<"task.create">> {
  const named = { name: `e2b-${id}`, labels: { "pyro-e2b": id }, ttl_seconds: limits.ttlSeconds.max };
  const { rules, isClosed } = taskNetwork;
  try {
    return await pyro.perform("task.create", { ...named, ...fields, network: true, ...rules });
  } catch (error) {
    const { code, message } = PyroError.from(error);
    if (code !== "HOST_NOT_ABLE" || (network !== undefined && !isClosed)) throw error;
    if (!isClosed) log(`Sandbox ${id} has no network: ${message}`);
    return pyro.perform("task.create", { ...named, ...fields, network: false });
  }
}

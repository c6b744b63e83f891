import type { NetworkRules } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { Call } from "../call.js";
import { networkPolicyOf } from "../machines/network.js";
import type { TaskVm } from "./task-vm.js";

/** Replaces the network rules of a started task: in its gate, then in its record. Throws FAILED_PRECONDITION without a network. */
export async function setNetwork(vm: TaskVm, rules: NetworkRules, { signal }: Pick<Call, "signal">): Promise<void> {
  await vm.changes.take(signal, async () => {
    const { network } = vm.assertPresent("network");
    if (network === null) {
      throw new PyroError("FAILED_PRECONDITION", `Task ${vm.record.task_id} has no network.`, {
        hint: "Create a task with --network.",
      });
    }
    const before = network.request;
    const changed = await network.setRules(rules);
    try {
      await vm.change({
        machine: { ...vm.record.machine, ...changed },
        network_policy: networkPolicyOf(network.request),
      });
    } catch (error) {
      // The next daemon would show, and start, the rules of the record.
      await network.setRules(before).catch(() => {});
      throw error;
    }
  });
}

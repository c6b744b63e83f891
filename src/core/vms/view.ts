import type { ResultOf } from "../../contract/operations.js";
import type { Damage } from "../../store/record.js";
import type { VmRecord } from "../../store/vm-record.js";
import { expiryOf } from "../lifecycle/expiry.js";

type VmView = ResultOf<"vm.status">;

/** When a VM is removed. Unlike a task's, its expiry is not delayed by use: it is used once. */
export function vmExpiryOf({ created_at, ttl_seconds }: VmRecord): string {
  return expiryOf(created_at, ttl_seconds);
}

/** A VM as callers see it. */
export function viewOf(record: VmRecord): VmView {
  const { vm_id, environment, state, reason, vcpu_count, mem_mib, allow_host_compat, execution_mode, accelerator } =
    record;
  return {
    ...{ vm_id, environment, state, state_reason: reason, vcpu_count, mem_mib, network_enabled: record.network },
    ...{ allow_host_compat, execution_mode, accelerator, created_at: record.created_at },
    expires_at: vmExpiryOf(record),
  };
}

/** A VM whose record is damaged. It never expires, since its time to live is not known. */
export function viewOfUnreadable(vmId: string, { reason, since }: Damage): VmView {
  return {
    ...{ vm_id: vmId, environment: "unknown", state: "unreadable", state_reason: reason, vcpu_count: 0, mem_mib: 0 },
    ...{ network_enabled: false, allow_host_compat: false, execution_mode: null, accelerator: null },
    ...{ created_at: since, expires_at: null },
  };
}

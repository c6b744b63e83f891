import type { InputOf } from "../../contract/operations.js";
import type { VmRecord } from "../../store/vm-record.js";

/** The record of a VM that is not started yet. */
export function newVmRecord(vmId: string, input: InputOf<"vm.create">): VmRecord {
  return {
    format: 1,
    vm_id: vmId,
    environment: input.environment,
    created_at: new Date().toISOString(),
    ttl_seconds: input.ttl_seconds,
    vcpu_count: input.vcpu_count,
    mem_mib: input.mem_mib,
    allow_host_compat: input.allow_host_compat,
    require_isolation: input.require_isolation ?? null,
    network: input.network,
    network_allow: input.network_allow,
    network_deny: input.network_deny,
    network_allow_host: input.network_allow_host,
    network_host_proxy: input.network_host_proxy,
    network_host_ca: input.network_host_ca,
    network_host_env: input.network_host_env,
    state: "created",
    reason: null,
    execution_mode: null,
    backend: "qemu",
    accelerator: null,
    environment_digest: null,
    user: null,
    working_dir: null,
    machine: null,
  };
}

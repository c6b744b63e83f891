import { PyroError } from "../../contract/errors.js";
import { readCapabilities, readPtraceScope } from "../../host/ptrace.js";
import type { Problem } from "../backend.js";

/** The kernel's rules for reading the memory of another process. */
export interface PtraceRules {
  /** Yama's setting; null on a kernel without Yama. */
  readonly scope: number | null;
  readonly isRoot: boolean;
  /** True when this process has CAP_SYS_PTRACE. */
  readonly isCapable: boolean;
}

/** The next step on a host where the daemon may not read a VM's memory. Pure. */
export function buildPermission({ scope, isRoot, isCapable }: PtraceRules): string {
  if (scope === 3) return "remove kernel.yama.ptrace_scope=3 from /etc/sysctl.d, then restart the host";
  if (isRoot && !isCapable) return "start the container with --cap-add SYS_PTRACE";
  return "sudo sysctl kernel.yama.ptrace_scope=1";
}

export function describeDenial(how: string): Problem {
  return {
    message: `snapshots are not possible, since the daemon may not read the memory of a VM: ${how}`,
    command: buildPermission({ scope: readPtraceScope(), ...readCapabilities() }),
  };
}

/** The error of a host on which the daemon may not read the memory of a VM. */
export function explainDenial(how: string): PyroError {
  const { message, command } = describeDenial(how);
  return new PyroError("HOST_NOT_ABLE", `On this host ${message}.`, {
    hint: `Do this: ${command}.`,
    details: { missing: "snapshots" },
  });
}

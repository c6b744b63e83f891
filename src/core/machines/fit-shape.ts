import type { VmShape } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { diskMib, memMib, vcpuCount } from "../../contract/fields.js";

/** The default size of a VM. */
const DEFAULTS = {
  vcpuCount: vcpuCount.parse(undefined),
  memMib: memMib.parse(undefined),
  diskMib: diskMib.parse(undefined),
};

const FLAGS = { vcpuCount: "--vcpu-count", memMib: "--mem-mib", diskMib: "--disk-mib" } as const;

/**
 * The shape of a VM that starts from a saved environment: the saved one. Throws FAILED_PRECONDITION when the caller requests another
 * size.
 */
export function fitShape(environment: string, asked: VmShape, saved: VmShape): VmShape {
  for (const [name, flag] of Object.entries(FLAGS) as [keyof typeof FLAGS, string][]) {
    if (asked[name] === saved[name] || asked[name] === DEFAULTS[name]) continue;
    throw misfit(environment, `${flag} ${saved[name]}`, `Leave ${flag} out, or use ${saved[name]}.`);
  }
  if (asked.network === saved.network) return saved;
  const what = saved.network ? "--network" : "a VM without a network";
  throw misfit(environment, what, saved.network ? "Add --network." : "Leave --network out.");
}

function misfit(environment: string, what: string, hint: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", `The environment ${environment} needs ${what}.`, {
    hint: `${hint} An environment saved with --disk-only has only the size of its disk.`,
    details: { environment, reason: "other_shape" },
  });
}

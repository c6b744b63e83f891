import type { ResultOf } from "../contract/operations.js";
import type { ControlGroups } from "../host/control-groups.js";
import { existsSync } from "../host/files.js";
import { isRoot } from "../host/platform.js";

/** The facts of `doctor` about control groups: their place, or why there are none and the command that starts the daemon with them. */
export function viewLimits({ path, problem }: ControlGroups): ResultOf<"doctor">["limits"] {
  if (path !== null) return { set: true, reason: `control groups in ${path}`, command: null };
  return {
    set: false,
    reason: problem ?? "unknown",
    command: existsSync("/run/systemd/system") ? buildCommand() : null,
  };
}

/** A scope of systemd's that is delegated, for a daemon that is started in it. */
function buildCommand(): string {
  const systemd = `systemd-run ${isRoot() ? "" : "--user "}--scope -p Delegate=yes`;
  return `pyro daemon stop && ${systemd} pyro daemon start`;
}

import type { ResultOf } from "../contract/operations.js";
import type { ControlGroups } from "../host/control-groups.js";
import { existsSync } from "../host/files.js";
import { isRoot } from "../host/platform.js";

/** What `doctor` tells of control groups: where they are, or why there are none and what starts the daemon where it may make them. */
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

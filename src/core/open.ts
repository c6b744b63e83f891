import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { HostCompatBackend } from "../backend/host-compat/host-compat.js";
import { QemuBackend } from "../backend/qemu/qemu.js";
import { linkBaseEnvironments } from "../environments/base.js";
import { openEnvironmentCache } from "../environments/cache.js";
import { BuiltNames } from "../environments/saved/built-names.js";
import { SavedDisks } from "../environments/saved/saved-disks.js";
import { withSaved } from "../environments/saved/with-saved.js";
import { everySource } from "../environments/sources.js";
import { PyroError } from "../contract/errors.js";
import type { IsolationLevel } from "../contract/isolation-levels.js";
import { ControlGroups } from "../host/control-groups.js";
import { Toolchains } from "../toolchain/toolchains.js";
import type { Home } from "../host/home.js";
import type { Log } from "../host/log.js";
import type { Core } from "./core.js";
import { Isolation } from "./isolation.js";
import { limitTogether, measureKeptMib } from "./limits.js";
import { Budget, type Ceilings } from "./machines/budget.js";
import { BuildSources } from "./environments/build/sources.js";
import { Backends } from "./machines/backends.js";
import { Machines } from "./machines/machines.js";
import { Snapshots } from "./snapshots/snapshots.js";
import { Tasks } from "./tasks/tasks.js";
import { Vms } from "./vms/vms.js";

/** The programs built from C are part of the package. */
const AGENT_PATH = fileURLToPath(new URL("../../../guest/build/pyro-agent", import.meta.url));
const GATE_PATH = fileURLToPath(new URL("../../../gate/build/pyro-gate", import.meta.url));
const KEEPER_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-keeper", import.meta.url));
const ENCLOSE_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-enclose", import.meta.url));
const JOIN_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-join", import.meta.url));
const PAGES_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-pages", import.meta.url));
const CHECKPOINT_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-checkpoint", import.meta.url));
const RESTORE_PATH = fileURLToPath(new URL("../../../keeper/build/pyro-restore", import.meta.url));
const PRELOAD_PATH = fileURLToPath(new URL("../../../preload/build/pyro-ram.so", import.meta.url));

export interface CoreOptions {
  readonly home: Home;
  readonly version: string;
  readonly log: Log;
  /** Limits on all VMs together. */
  readonly ceilings: Ceilings;
  /** The least isolation that every VM must have; null for what the caller allows. */
  readonly requiredIsolation?: IsolationLevel | null;
}

/** Opens everything in a home, and removes the leftovers of a killed daemon. */
export async function openCore({ home, version, log, ceilings, requiredIsolation = null }: CoreOptions): Promise<Core> {
  const groups = ControlGroups.open({ homePath: home.path, joinPath: JOIN_PATH, log });
  await limitTogether(groups, ceilings, home.path);
  const shared = {
    ...{ homePath: home.path, runtimePath: home.runtime, agentPath: AGENT_PATH },
    ...{ keeperPath: KEEPER_PATH, groups },
  };
  const basePath = process.env["PYRO_BASE"] || null;
  const directory = join(home.path, "environments");
  if (basePath !== null) await linkBaseEnvironments(directory, basePath);
  const cache = await openEnvironmentCache({
    directory,
    source: everySource(),
    log,
  });
  const built = await BuiltNames.open(join(home.path, "built"), log);
  const environments = withSaved(cache, await SavedDisks.open(join(home.path, "saved"), log, built));
  const toolchains = await Toolchains.open(home.path, process.env["PYRO_TOOLCHAIN"]);
  // Searched after the host's own directories, whether or not it exists yet.
  if (toolchains.programs !== null) process.env["PATH"] = `${process.env["PATH"] ?? ""}:${toolchains.programs}`;
  const isInContainer = isContainerTheJail(process.env["PYRO_JAIL"]);
  const budget = new Budget(ceilings, () => measureKeptMib(home.path));
  const backends = new Backends(
    await QemuBackend.open({
      ...shared,
      gatePath: isInContainer ? null : GATE_PATH,
      preloadPath: PRELOAD_PATH,
      pagesPath: PAGES_PATH,
      checkpointPath: CHECKPOINT_PATH,
      restorePath: RESTORE_PATH,
      isAllowed: (share) => budget.fits(share),
      basePath,
      enclosePath: isInContainer ? ENCLOSE_PATH : null,
      preference: process.env["PYRO_ACCEL"],
      privateToolchain: () => toolchains.inUse(),
      log,
    }),
    await HostCompatBackend.open(shared),
  );
  const snapshots = await Snapshots.open({ homePath: home.path, environments, log });
  const findSaved = (name: string) => snapshots.findSaved(name);
  const isolation = new Isolation({ vms: backends.vms, groups, ceilings, required: requiredIsolation });
  const machines = new Machines({ environments, backends, budget, isolation, log, findSaved });
  // VMs before tasks: opening the tasks ends all machines that belong to neither.
  const vms = await Vms.open({ homePath: home.path, machines, log });
  const tasks = await Tasks.open({ homePath: home.path, machines, snapshots, keep: vms.unreadableIds, log });
  const buildSources = await BuildSources.open(join(home.path, "build-sources"));
  const host = { home, version, log, groups, backends, toolchains, isolation, budget };
  return { ...host, environments, machines, snapshots, vms, tasks, buildSources };
}

/** `choice` is PYRO_JAIL. Throws INVALID_ARGUMENT for a word that it does not know. */
function isContainerTheJail(choice: string | undefined): boolean {
  if (choice === undefined || choice === "" || choice === "bubblewrap") return false;
  if (choice === "container") return true;
  const shown = choice.slice(0, 100);
  throw new PyroError("INVALID_ARGUMENT", `PYRO_JAIL must be bubblewrap or container, not ${shown}.`, {
    hint: "Set PYRO_JAIL to one of them, or unset it, and run `pyro daemon stop`.",
    details: { variable: "PYRO_JAIL", value: shown },
  });
}

import type { Environment } from "../../contract/environment.js";
import { PyroError } from "../../contract/errors.js";
import type { BuiltName } from "../../environments/saved/built-names.js";
import type { SavedDisk } from "../../environments/saved/saved-disks.js";
import { diskUsageBytes } from "../../host/disk.js";
import { readManifestBelow } from "../../environments/saved/with-saved.js";
import type { Core } from "../core.js";
import type { Snapshot } from "../snapshots/snapshots.js";

type Places = Pick<Core, "environments" | "machines" | "snapshots">;

/** The facts of every saved environment, the oldest first. */
export async function savedFacts(core: Places): Promise<Environment[]> {
  const disks = core.environments.saved.list().map((disk) => savedDiskFacts(core, disk));
  const memories = core.snapshots.listSaved().map((snapshot) => savedMemoryFacts(core, snapshot));
  const damaged = core.environments.saved.damaged.map(damagedFacts);
  const all = await Promise.all([...disks, ...memories, ...damaged]);
  return all.toSorted((a, b) => (a.pulled_at ?? "").localeCompare(b.pulled_at ?? ""));
}

/** The facts of the saved environment with this name; null when there is none. */
export async function findSavedFacts(core: Places, name: string): Promise<Environment | null> {
  const disk = core.environments.saved.find(name);
  if (disk !== null) return savedDiskFacts(core, disk);
  const snapshot = core.snapshots.findSaved(name);
  if (snapshot !== null) return savedMemoryFacts(core, snapshot);
  return core.environments.saved.damaged.includes(name) ? damagedFacts(name) : null;
}

export async function savedDiskFacts({ environments }: Places, disk: SavedDisk): Promise<Environment> {
  const { record, digest, directory } = disk;
  const problem = await environments.find(record.name).then(
    () => null,
    (error: unknown) => PyroError.from(error).message,
  );
  const { name, environment, task_id, snapshot_id, disk_mib } = record;
  const built = environments.saved.built?.find(name) ?? null;
  return {
    ...(await commonFacts(environments, name, environment, record.environment_digest)),
    ...(built && builtFacts(built)),
    ...{ digest, size_bytes: await diskUsageBytes(directory), pulled_at: record.created_at },
    saved: {
      ...{ memory: false, environment, task_id, snapshot_id },
      ...{ vcpu_count: null, mem_mib: null, disk_mib, network: null, unusable: problem },
    },
  };
}

export async function savedMemoryFacts({ environments, machines }: Places, snapshot: Snapshot): Promise<Environment> {
  const { record, directory } = snapshot;
  const { saved_as, environment, environment_digest: digest, task_id, parent, vcpu_count, mem_mib, disk_mib } = record;
  const problem = await machines.checkSnapshot(snapshot);
  return {
    ...(await commonFacts(environments, saved_as ?? record.snapshot_id, environment, digest)),
    ...{ digest, size_bytes: await diskUsageBytes(directory), pulled_at: record.created_at },
    saved: {
      ...{ memory: true, environment, task_id, snapshot_id: parent },
      ...{ vcpu_count, mem_mib, disk_mib, network: record.network !== null, unusable: problem?.message ?? null },
    },
  };
}

function builtFacts({ from, config, steps }: BuiltName) {
  const { user, working_dir: workdir } = config;
  return {
    ...{ description: `Built from ${from}`, source: "a build" },
    built: { base: from, user, workdir, steps: steps.map(({ text }) => text) },
  };
}

/** A damaged environment: only its name is known. */
function damagedFacts(name: string): Environment {
  return {
    ...{ name, version: "unknown", description: "Saved environment", installed: false, distribution: "unknown" },
    ...{ architecture: "amd64", default_packages: [], source: "a task" },
    saved: {
      ...{ memory: false, environment: "unknown", task_id: null, snapshot_id: null },
      ...{ vcpu_count: null, mem_mib: null, disk_mib: 0, network: null },
      unusable: "Its record cannot be read; `pyro env remove` removes it.",
    },
  };
}

async function commonFacts(environments: Core["environments"], name: string, below: string, digest: string) {
  const manifest = await readManifestBelow(environments, digest);
  return {
    name,
    version: manifest?.version ?? "unknown",
    description: `Saved from a task of ${below}`,
    installed: true,
    distribution: manifest?.distribution ?? below,
    architecture: "amd64",
    default_packages: [],
    source: "a task",
  };
}

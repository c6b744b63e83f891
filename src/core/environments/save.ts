import type { Environment } from "../../contract/environment.js";
import type { InputOf } from "../../contract/operations.js";
import type { NewSavedDisk, SavedDisk } from "../../environments/saved/saved-disks.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import type { Call } from "../call.js";
import type { Core, Handler } from "../core.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { branchFromTask } from "../tasks/branches/branch-point.js";
import { saveSnapshot } from "../tasks/branches/snapshot.js";
import type { Task } from "../tasks/task.js";
import { assertNameIsFree, whileNamed } from "./saved-names.js";
import { savedDiskFacts, savedMemoryFacts } from "./saved-facts.js";

type SaveInput = InputOf<"env.save">;
type Saved = Environment & { warnings: string[] };

/** The disk is of the same moment as the memory: writes that the guest still held in memory are missing. */
const NOT_SYNCED =
  "The memory of the snapshot cannot be used here, so files that its VM had not written to its disk yet are missing.";

/** Makes an environment from a task or snapshot: with its memory, or from its disk alone. */
export const envSave: Handler<"env.save"> = (core, input, call) =>
  whileNamed(core, input.name, async () => {
    await assertNameIsFree(core, input.name);
    const source = findSource(core, input.source);
    return input.disk_only ? saveDisk(core, source, input, call) : saveMemory(core, source, input, call);
  });

/** A task, or a snapshot, also one that is an environment. */
type Source = { readonly task: Task } | { readonly snapshot: Snapshot };

function findSource({ tasks, snapshots }: Core, reference: string): Source {
  const saved = snapshots.findSaved(reference);
  if (saved !== null) return { snapshot: saved };
  const id = tasks.resolve(reference);
  return id.startsWith("snap-") ? { snapshot: snapshots.get(id) } : { task: tasks.get(id) };
}

async function saveMemory(core: Core, source: Source, { name }: SaveInput, call: Call): Promise<Saved> {
  const made =
    "snapshot" in source
      ? await core.snapshots.saveAs(source.snapshot, name, call.signal)
      : await saveTask(core, source.task, name, call);
  return { ...(await savedMemoryFacts(core, made)), warnings: [] };
}

async function saveTask(core: Core, task: Task, name: string, call: Call): Promise<Snapshot> {
  await writeOut(task, call);
  return task.changeVm(call, async (vm, { signal }) => {
    if (task.isStarted) {
      return vm.changes.take(signal, () =>
        vm.standStill("snapshot", signal, (machine) =>
          saveSnapshot(vm, machine, { purpose: "kept", name: null, savedAs: name, signal }),
        ),
      );
    }
    return branchFromTask(vm, signal, ({ snapshot }) => core.snapshots.saveAs(snapshot, name, signal));
  });
}

/** Makes the guest write everything to its disk, since a VM may later start from the disk alone. */
async function writeOut(task: Task, call: Call): Promise<void> {
  if (task.isStarted) await task.onFiles(call, (channel) => channel.request("sync"));
}

async function saveDisk(core: Core, source: Source, { name }: SaveInput, call: Call): Promise<Saved> {
  const { disk, warnings } = await ("snapshot" in source
    ? packSnapshot(core, source.snapshot, { name }, call)
    : saveDiskOfTask(core, source.task, { name }, call));
  return { ...(await savedDiskFacts(core, disk)), warnings };
}

/** The name of a new disk, and the fields of its record that are not facts of its task. */
type About = Pick<NewSavedDisk, "name" | "step_key">;

interface Packed {
  readonly disk: SavedDisk;
  readonly warnings: string[];
}

/** Saves the disk of a task, which keeps running. */
export async function saveDiskOfTask(core: Core, task: Task, about: About, call: Call): Promise<Packed> {
  await writeOut(task, call);
  const isSynced = task.isStarted;
  return task.changeVm(call, (vm, until) =>
    branchFromTask(vm, until.signal, ({ snapshot }) =>
      isSynced ? pack(core, snapshot, about, until.signal) : packSnapshot(core, snapshot, about, until),
    ),
  );
}

/** A VM of the snapshot first writes files from its memory to the disk. Without such a VM, the disk is taken unchanged. */
async function packSnapshot(core: Core, snapshot: Snapshot, saved: About, call: Call): Promise<Packed> {
  const { machines, snapshots } = core;
  if ((await machines.checkSnapshot(snapshot)) !== null) {
    return { ...(await pack(core, snapshot, saved, call.signal)), warnings: [NOT_SYNCED] };
  }
  const { require_isolation: requireIsolation } = (await readSnapshotFacts(snapshot.taskPath)).record;
  const machine = await machines.borrowFrom(snapshot, requireIsolation, call);
  try {
    await machine.channel.request("sync");
    const { snapshot_id: parent, task_id } = snapshot.record;
    const about = {
      ...snapshot.record,
      name: null,
      parent: snapshot.record.saved_as === null ? parent : null,
      task_id,
    };
    return await snapshots.passing(machine, about, { signal: call.signal }, (synced) =>
      pack(core, synced, saved, call.signal),
    );
  } finally {
    await machines.destroy(machine);
  }
}

async function pack(core: Core, snapshot: Snapshot, saved: About, signal: AbortSignal): Promise<Packed> {
  const { environments, machines } = core;
  const { record } = snapshot;
  const below = environments.saved.find(record.environment);
  const config = below?.digest === record.environment_digest ? below.record.config : undefined;
  const about = {
    ...{ task_id: record.task_id, snapshot_id: record.parent, disk_mib: record.disk_mib },
    environment: nameBelow(core, record.environment),
    environment_digest: environments.saved.below(record.environment_digest),
    ...(config && { config }),
    ...saved,
  };
  const disk = await environments.saved.save(about, (to) => machines.packDisk(snapshot, to, signal), signal);
  environments.keepBelow(disk);
  return { disk, warnings: [] };
}

/** The built environment that a saved one is based on. */
function nameBelow({ environments, snapshots }: Core, environment: string): string {
  const saved = environments.saved.find(environment)?.record ?? snapshots.findSaved(environment)?.record;
  return saved?.environment ?? environment;
}

import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { abortable } from "../../host/abortable.js";
import { assertFreeSpace, diskUsageBytes } from "../../host/disk.js";
import { JoinedController } from "../../host/joined-controller.js";
import { readChildren } from "../../host/process.js";
import type { MachineSnapshot, SnapshotOptions } from "../snapshot.js";
import { inJail } from "./argv.js";
import { findTemplate, type Origin } from "./origin.js";
import { PagesSaving } from "./pages.js";
import type { PauseWatch } from "./pause.js";
import type { Qmp } from "./qmp.js";
import { DISK_RESERVE_MIB, findReason } from "./free-space.js";
import { templateFiles } from "./template.js";
import type { VmProcess } from "./vm-process.js";

/** A snapshot's files. */
export const snapshotFiles = { pages: "pages", state: templateFiles.state, overlay: templateFiles.overlay } as const;

const MIB = 1_048_576;
/** How long a snapshot may take: to pause the VM and save its devices, and to copy its memory and disk at this speed or faster. */
const DEADLINE_S = 60;
const LEAST_MIB_PER_S = 50;

/** The programs and places that snapshots need. */
export interface SnapshotPlace {
  readonly templatesPath: string;
  readonly pagesPath: string;
}

/** The parts of a running VM that a snapshot is made of. */
export interface SnapshotSubject {
  readonly process: VmProcess;
  readonly qmp: Promise<Qmp>;
  readonly pauses: PauseWatch;
  /** The VM's disk. */
  readonly scratchPath: string;
  /** Null when an earlier version has started it. */
  readonly origin: Origin | null;
}

/** Writes a snapshot of a running VM into an empty directory. The VM keeps running, also when this fails. */
export async function takeSnapshot(
  { templatesPath, pagesPath }: SnapshotPlace,
  subject: SnapshotSubject,
  directory: string,
  { signal: given, onPaused, onBegun, resumes = true }: SnapshotOptions,
): Promise<MachineSnapshot> {
  const { process, pauses, scratchPath, origin } = subject;
  if (origin === null) throw startedEarlier();
  await findTemplate(templatesPath, origin);
  const diskMib = Math.ceil((await diskUsageBytes(scratchPath)) / MIB);
  await assertFreeSpace(directory, diskMib + DISK_RESERVE_MIB, "A snapshot");
  const deadlineS = DEADLINE_S + Math.ceil((origin.mem_mib + diskMib) / LEAST_MIB_PER_S);
  using until = new JoinedController([given], deadlineS * 1_000);
  const { signal } = until;
  try {
    await abortable(pauses.begun, signal);
    const qmp = await subject.qmp;
    using saving = PagesSaving.start(pagesPath, await findQemu(process), origin.mem_mib * MIB, scratchPath, directory);
    await abortable(saving.begun(), signal);
    onBegun?.(origin);
    await abortable(saving.prepared(), signal);
    const { memoryBytes, pauseMs } = await whilePaused(qmp, signal, resumes, async () => {
      await qmp.execute("xen-save-devices-state", { filename: inJail.state });
      const [bytes] = await Promise.all([saving.copy(), notePause(onPaused)]);
      return bytes;
    });
    const diskBytes = await diskUsageBytes(join(directory, snapshotFiles.overlay));
    return { handle: origin, memoryBytes, diskBytes, pauseMs };
  } catch (error) {
    given.throwIfAborted();
    throw signal.aborted ? tooSlow(deadlineS) : await findReason(error, directory, "A snapshot");
  }
}

async function notePause(onPaused: SnapshotOptions["onPaused"]): Promise<void> {
  await onPaused?.();
}

/** Pauses the VM for some work. Afterwards the VM continues if `resumes` is set, or if the work failed. */
async function whilePaused(
  qmp: Qmp,
  signal: AbortSignal,
  resumes: boolean,
  work: () => Promise<number>,
): Promise<{ memoryBytes: number; pauseMs: number }> {
  const started = performance.now();
  let isDone = false;
  try {
    await abortable(qmp.execute("stop"), signal);
    const memoryBytes = await abortable(work(), signal);
    isDone = true;
    if (resumes) await abortable(qmp.execute("cont"), signal);
    return { memoryBytes, pauseMs: performance.now() - started };
  } finally {
    // QEMU answers in order, so it continues the VM even if it reads the commands later.
    if (!isDone) qmp.execute("cont").catch(() => {});
  }
}

/** The process that QEMU is: the only child of the jail's first process. Throws VM_DIED. */
export async function findQemu(process: VmProcess): Promise<number> {
  const inside = await process.inside;
  const [pid] = inside ? readChildren(inside.pid) : [];
  if (pid !== undefined) return pid;
  throw new PyroError("VM_DIED", "The VM ended.");
}

function startedEarlier(): PyroError {
  return new PyroError(
    "FAILED_PRECONDITION",
    "An earlier version of pyro has started this VM, so it cannot become a snapshot.",
    {
      hint: "Create the task again with this version.",
      details: { reason: "earlier_version" },
    },
  );
}

function tooSlow(deadlineS: number): PyroError {
  return new PyroError("RESOURCE_EXHAUSTED", `The snapshot was not made within ${deadlineS} s.`, {
    hint: "Check with `pyro task status` whether the VM is paused. Try again when the host's disk is less busy.",
    details: { reason: "too_slow", deadline_seconds: deadlineS },
  });
}

import { PyroError } from "../../contract/errors.js";
import { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import { JoinedController } from "../../host/joined-controller.js";
import { setLowPriority } from "../../host/priority.js";
import { connectSocketFileWhenReady } from "../../host/socket-file.js";
import type { SavedMachine, StartOptions } from "../backend.js";
import { STATE_FD } from "./argv.js";
import { mailboxPath } from "./mailbox.js";
import { Qmp } from "./qmp.js";
import type { VmProcess } from "./vm-process.js";

/** Resolves when all files of the snapshot are written; null when they are written already. */
export type Whole = SavedMachine["whole"];

/** What a clone does until it runs. */
interface CloneWay {
  readonly whole: Whole;
  /** True when its QEMU continues a checkpoint, and has its device state already. */
  readonly isContinued: boolean;
}

export type CloneOptions = Pick<StartOptions, "signal" | "urgent" | "onStage">;

const CLONE_DEADLINE_MS = 20_000;

/**
 * Loads the device state and connects to the agent, both at once: the agent's greeting waits in the socket until it runs. A snapshot that
 * is being made is waited for, and the agent's deadline begins then. A checkpoint has been loaded already: its VM is paused.
 */
export async function wakeClone(
  process: VmProcess,
  directory: string,
  { whole, isContinued }: CloneWay,
  { signal, urgent, onStage }: CloneOptions,
): Promise<{ channel: Channel; qmp: Qmp }> {
  const meet = () => {
    const agent = connectSocketFileWhenReady(process.sockets.agent, CLONE_DEADLINE_MS, signal).then((socket) =>
      Channel.open(socket, { deadlineMs: CLONE_DEADLINE_MS, signal, mailboxPath: mailboxPath(directory) }),
    );
    agent.catch(() => {});
    return agent;
  };
  let agent = whole === null ? meet() : null;
  const qmp = await Qmp.open(process.sockets.qmp, CLONE_DEADLINE_MS, signal);
  qmp.answers.then(
    () => onStage?.("qemu start"),
    () => {},
  );
  try {
    if (urgent) await yieldUntil(urgent, qmp, process);
    if (whole !== null) {
      await abortable(Promise.all([qmp.answers, whole]), signal);
      onStage?.("snapshot");
    }
    agent ??= meet();
    await (isContinued ? qmp.execute("cont") : loadState(qmp));
    await memoryMapped(process, signal);
    onStage?.("restore");
    const channel = await agent;
    onStage?.("agent hello");
    return { channel, qmp };
  } catch (error) {
    qmp.close();
    throw error;
  }
}

async function loadState(qmp: Qmp): Promise<void> {
  await Promise.all([
    // QEMU would have the guest announce its addresses, which it gets anew. Linux 6.12 deadlocks when they change at that moment.
    qmp.execute("migrate-set-parameters", { "announce-rounds": 0 }),
    qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "x-ignore-shared", state: true }] }),
    qmp.execute("migrate-incoming", { uri: `fd:${STATE_FD}` }),
  ]);
}

/** Waits for the memory of the snapshot, if there is one. A QEMU that reads its state in an unknown way would continue without it. */
async function memoryMapped(process: VmProcess, signal: AbortSignal): Promise<void> {
  using until = new JoinedController([signal], CLONE_DEADLINE_MS);
  await abortable(process.mapped, until.signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (!until.signal.aborted) throw error;
    throw new PyroError("VM_START_FAILED", "This QEMU did not map the memory of the snapshot.");
  });
}

/** Gives every other process of the host priority, until the clone becomes urgent. */
async function yieldUntil(urgent: AbortSignal, qmp: Qmp, process: VmProcess): Promise<void> {
  // The low priority is set on QEMU's session, which does not exist before QEMU runs.
  await qmp.answers;
  const inside = await process.inside;
  if (!inside || urgent.aborted) return;
  await setLowPriority(inside.pid, true);
  const hurry = () => void setLowPriority(inside.pid, false);
  if (urgent.aborted) hurry();
  else urgent.addEventListener("abort", hurry, { once: true });
}

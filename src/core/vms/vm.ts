import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import { removeVmRecord, writeVmRecord, type VmRecord } from "../../store/vm-record.js";
import type { Call } from "../call.js";
import { resolveCwd } from "../exec/cwd.js";
import { takeDirectory } from "../exec/directory.js";
import { takeUser } from "../exec/user.js";
import { runCommand } from "../exec/command.js";
import { resolveTimeout } from "../exec/timeout.js";
import { adoptMachine, MachineSession, releaseJobs } from "../lifecycle/session.js";
import { asFound, type LastingMachines } from "../machines/lasting.js";
import type { AcquiredMachine } from "../machines/facts.js";
import { networkRequestOf, viewNetwork } from "../machines/network.js";
import { WORKSPACE } from "../workspace/destination.js";
import { assertMove, type Move } from "./moves.js";
import { viewOf } from "./view.js";

/** The parts that a VM uses. */
export interface VmContext {
  /** The directory of the records. */
  readonly path: string;
  readonly machines: LastingMachines;
  readonly log: Log;
  /** Forgets the VM and removes it. */
  readonly remove: (vm: Vm) => Promise<void>;
}

/** A VM that a caller sets up step by step: its record and, while it is started, its machine. */
export class Vm {
  readonly vmId: string;
  readonly #context: VmContext;
  #record: VmRecord;
  /** Null unless it is started. */
  #session: MachineSession | null = null;
  /** A start or a command under way: there is one at a time, and meanwhile the VM does not expire. */
  #pending: Promise<unknown> | null = null;
  /** Aborted when the VM is deleted: that cancels its start or command. */
  readonly #deleted = new AbortController();
  #isRemoved = false;

  constructor(record: VmRecord, context: VmContext) {
    this.vmId = record.vm_id;
    this.#record = record;
    this.#context = context;
  }

  get record(): VmRecord {
    return this.#record;
  }

  get isBusy(): boolean {
    return this.#pending !== null;
  }

  async start(call: Call): Promise<ResultOf<"vm.start">> {
    await this.#exclusively("start", async () => {
      const { machines } = this.#context;
      const { environment, vcpu_count: vcpuCount, mem_mib: memMib, allow_host_compat: allowHostCompat } = this.#record;
      const network = networkRequestOf(this.#record);
      const requireIsolation = this.#record.require_isolation ?? undefined;
      const request = {
        id: this.vmId,
        outlives: true,
        environment,
        vcpuCount,
        memMib,
        allowHostCompat,
        requireIsolation,
        network,
      };
      using until = new JoinedController([call.signal, this.#deleted.signal]);
      const acquired = await machines.acquire(request, { ...call, signal: until.signal });
      const { machine, environmentDigest } = acquired;
      const facts = {
        state: "started",
        execution_mode: machine.executionMode,
        accelerator: machine.accelerator,
        environment_digest: environmentDigest,
        backend: machine.backend,
        machine: machine.handle,
      } as const;
      const saved = findGuest(acquired).then((guest) => this.#save({ ...facts, ...guest }));
      await saved.catch(async (error: unknown) => {
        await machines.destroy(machine);
        throw error;
      });
      this.#watch(asFound(machine));
    });
    return viewOf(this.#record);
  }

  /** Runs one command; the VM has been removed when this resolves. */
  exec(input: InputOf<"vm.exec">, call: Call): Promise<ResultOf<"vm.exec">> {
    return this.#exclusively("exec", async () => {
      const { command, env, interleaved } = input;
      const cwd = resolveCwd(input.cwd, this.#record.working_dir ?? WORKSPACE);
      const timeoutSeconds = resolveTimeout(input);
      const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1000;
      const user = input.user ?? this.#record.user;
      const request = { command, cwd, env, user, timeoutMs, memMib: this.#record.mem_mib, interleaved };
      try {
        using until = new JoinedController([call.signal, this.#deleted.signal]);
        const outcome = await runCommand(this.#session!.machine, request, { ...call, signal: until.signal });
        const { environment, accelerator } = this.#record;
        return { vm_id: this.vmId, environment, command, ...outcome, accelerator, cleanup: { deleted: true } };
      } finally {
        await this.#context.remove(this);
      }
    });
  }

  async stop(): Promise<ResultOf<"vm.stop">> {
    await this.#exclusively("stop", async () => {
      await this.#save({ state: "stopped", machine: null });
      await this.#endMachine();
    });
    return viewOf(this.#record);
  }

  status(): ResultOf<"vm.status"> {
    const reason = this.#record.reason ?? this.#session?.explainSilence() ?? null;
    return { ...viewOf(this.#record), state_reason: reason };
  }

  async networkInfo(): Promise<ResultOf<"vm.network_info">> {
    const network = await viewNetwork(this.#session?.machine.network ?? null);
    return { vm_id: this.vmId, network_enabled: this.#record.network, network };
  }

  /** Finds its machine again after a daemon's death. Without a machine the VM has failed. */
  async takeOver(): Promise<void> {
    if (this.#record.state !== "started") return;
    const { backend, machine: handle, environment_digest: environmentDigest } = this.#record;
    const { machines, log } = this.#context;
    const machine = await adoptMachine(machines, { id: this.vmId, backend, handle, environmentDigest }, log);
    if (machine !== null && !(machine instanceof PyroError)) this.#watch(machine);
    else await this.#save({ state: "failed", reason: "its VM ended while no daemon ran", machine: null });
  }

  /** Cancels its start or command, and waits until the caller has the answer. */
  async cancel(): Promise<void> {
    this.#deleted.abort(new PyroError("ABORTED", `VM ${this.vmId} was deleted.`, { hint: "Create another VM." }));
    await this.#pending?.catch(() => {});
  }

  /** Ends its machine and removes its record. */
  async remove(): Promise<void> {
    this.#isRemoved = true;
    await this.#endMachine();
    await removeVmRecord(this.#context.path, this.vmId);
  }

  /** Detaches from its machine: the next daemon adopts it. */
  detach(): void {
    this.#session?.detach();
  }

  /** A VM fails with its machine. */
  #watch(machine: FoundMachine): void {
    const { machines, log } = this.#context;
    this.#session = new MachineSession({
      machine,
      machines,
      log,
      // Callers do not reconnect to commands of an earlier daemon.
      onAnswer: (channel) => releaseJobs(channel, []),
      onLost: async ({ reason }) => {
        if (this.#isRemoved) return;
        this.#session = null;
        await this.#save({ state: "failed", reason: `it ended: ${reason}`, machine: null });
      },
    });
  }

  /** Performs one operation at a time. Throws FAILED_PRECONDITION if the state does not allow it. */
  async #exclusively<T>(move: Move, work: () => Promise<T>): Promise<T> {
    if (this.#pending !== null) {
      throw new PyroError("FAILED_PRECONDITION", `VM ${this.vmId} is busy.`, {
        hint: "Wait until its start or its command has ended.",
        details: { vm_id: this.vmId, state: this.#record.state },
      });
    }
    assertMove(this.#record, move);
    const pending = work();
    this.#pending = pending;
    try {
      return await pending;
    } finally {
      this.#pending = null;
    }
  }

  async #endMachine(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.end();
  }

  async #save(change: Partial<VmRecord>): Promise<void> {
    const record = { ...this.#record, ...change };
    await writeVmRecord(this.#context.path, record);
    this.#record = record;
  }
}

/** The user and the directory of its command. */
async function findGuest(acquired: AcquiredMachine): Promise<Pick<VmRecord, "user" | "working_dir">> {
  return { user: await takeUser(acquired, undefined), working_dir: await takeDirectory(acquired, {}) };
}

import { join } from "node:path";

import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import { explainReading } from "../../store/record.js";
import { readVmRecords, recordPath, removeVmRecord, writeVmRecord, type VmRecord } from "../../store/vm-record.js";
import { runCommand } from "../exec/command.js";
import type { Call } from "../call.js";
import { hasExpired } from "../lifecycle/expiry.js";
import { Registry } from "../lifecycle/registry.js";
import { adoptMachine, MachineSession, releaseJobs } from "../lifecycle/session.js";
import { asFound, type LastingMachines, newMachineId } from "../machines/machines.js";
import { networkRequestOf, viewNetwork } from "../machines/network.js";
import { resolveTimeout } from "../exec/timeout.js";
import { assertMove, type Move } from "./moves.js";
import { newVmRecord } from "./new-record.js";
import { viewOf, viewOfUnreadable, vmExpiryOf } from "./view.js";

export interface VmsOptions {
  readonly homePath: string;
  readonly machines: LastingMachines;
  readonly log: Log;
}

interface Vm {
  record: VmRecord;
  /** Null unless it is started. */
  session: MachineSession | null;
  /** A start or a command under way: there is one at a time, and meanwhile the VM does not expire. */
  pending: Promise<unknown> | null;
  /** Cancels what is under way, when the VM is deleted. */
  readonly abort: AbortController;
}

/** VMs that callers set up step by step: created, started, used once, gone. */
export class Vms {
  readonly #options: VmsOptions;
  readonly #path: string;
  readonly #registry: Registry<Vm>;

  private constructor(options: VmsOptions) {
    this.#options = options;
    this.#path = join(options.homePath, "vm-records");
    this.#registry = new Registry({
      noun: "VM",
      machines: options.machines,
      log: options.log,
      machineIdOf: (vmId) => vmId,
      missing: noVm,
      unreadableHint: () => "Its record is left as it is; deleting the VM removes it.",
      hasExpired: (vm, now) => vm.pending === null && hasExpired(vmExpiryOf(vm.record), now),
      remove: (vmId, vm) => this.#cancelAndRemove(vmId, vm),
      removeFiles: (vmId) => removeVmRecord(this.#path, vmId),
    });
  }

  /** Reads every record, and finds the VMs that still run. */
  static async open(options: VmsOptions): Promise<Vms> {
    const vms = new Vms(options);
    const found = await readVmRecords(vms.#path);
    await Promise.all(
      found.map(async ({ vmId, reading }) => {
        if (reading.kind === "record") return vms.#load(reading.record);
        const reason = explainReading(reading) ?? "its record is damaged";
        await vms.#registry.addUnreadable(vmId, reason, recordPath(vms.#path, vmId));
      }),
    );
    await vms.reapExpired();
    return vms;
  }

  /** Their machines are left to a pyro that can read their records. */
  get unreadableIds(): string[] {
    return this.#registry.unreadable.map(([vmId]) => vmId);
  }

  async create(input: InputOf<"vm.create">): Promise<ResultOf<"vm.create">> {
    networkRequestOf(input);
    const record = newVmRecord(newMachineId(), input);
    await writeVmRecord(this.#path, record);
    this.#registry.add(record.vm_id, newVm(record));
    return viewOf(record);
  }

  async start(vmId: string, call: Call): Promise<ResultOf<"vm.start">> {
    const vm = this.#registry.get(vmId);
    await this.#exclusively(vm, "start", async () => {
      const { environment, vcpu_count: vcpuCount, mem_mib: memMib, allow_host_compat: allowHostCompat } = vm.record;
      const network = networkRequestOf(vm.record);
      const request = { id: vmId, environment, vcpuCount, memMib, allowHostCompat, network };
      using until = new JoinedController([call.signal, vm.abort.signal]);
      const { machine, environmentDigest } = await this.#options.machines.acquire(request, {
        ...call,
        signal: until.signal,
      });
      await this.#save(vm, {
        state: "started",
        execution_mode: machine.executionMode,
        accelerator: machine.accelerator,
        environment_digest: environmentDigest,
        machine: machine.handle,
      }).catch(async (error: unknown) => {
        await this.#options.machines.destroy(machine);
        throw error;
      });
      this.#watch(vm, asFound(machine));
    });
    return viewOf(vm.record);
  }

  /** Runs one command; the VM is gone when this resolves. */
  async exec(input: InputOf<"vm.exec">, call: Call): Promise<ResultOf<"vm.exec">> {
    const vm = this.#registry.get(input.vm_id);
    return this.#exclusively(vm, "exec", async () => {
      const { command, cwd, env, interleaved } = input;
      const timeoutSeconds = resolveTimeout(input);
      const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1000;
      const request = { command, cwd, env, timeoutMs, memMib: vm.record.mem_mib, interleaved };
      try {
        using until = new JoinedController([call.signal, vm.abort.signal]);
        const outcome = await runCommand(vm.session!.machine, request, { ...call, signal: until.signal });
        const { environment, accelerator } = vm.record;
        return { vm_id: input.vm_id, environment, command, ...outcome, accelerator, cleanup: { deleted: true } };
      } finally {
        await this.#remove(vm);
      }
    });
  }

  async stop(vmId: string): Promise<ResultOf<"vm.stop">> {
    const vm = this.#registry.get(vmId);
    await this.#exclusively(vm, "stop", async () => {
      await this.#save(vm, { state: "stopped", machine: null });
      await this.#endMachine(vm);
    });
    return viewOf(vm.record);
  }

  status(vmId: string): ResultOf<"vm.status"> {
    const damage = this.#registry.damageOf(vmId);
    if (damage !== undefined) return viewOfUnreadable(vmId, damage);
    const { record, session } = this.#registry.get(vmId);
    return { ...viewOf(record), state_reason: record.reason ?? session?.explainSilence() ?? null };
  }

  async networkInfo(vmId: string): Promise<ResultOf<"vm.network_info">> {
    const { record, session } = this.#registry.get(vmId);
    return {
      vm_id: vmId,
      network_enabled: record.network,
      network: await viewNetwork(session?.machine.network ?? null),
    };
  }

  /** Removes a VM and cancels its start or command; the callers of these get their answers first. */
  delete(vmId: string): Promise<void> {
    return this.#registry.delete(vmId);
  }

  reapExpired(): Promise<string[]> {
    return this.#registry.reapExpired();
  }

  /** Lets go of all VMs: the next daemon finds them. */
  detachAll(): void {
    this.#registry.close();
    for (const { session } of this.#registry.all) session?.detach();
  }

  async #load(record: VmRecord): Promise<void> {
    const vm = newVm(record);
    this.#registry.add(record.vm_id, vm);
    if (record.state !== "started") return;
    const { vm_id: id, machine: handle, environment_digest: environmentDigest } = record;
    const { machines, log } = this.#options;
    const machine = await adoptMachine(machines, { id, handle, environmentDigest }, log);
    if (machine !== null && !(machine instanceof PyroError)) this.#watch(vm, machine);
    else await this.#save(vm, { state: "failed", reason: "its VM ended while no daemon ran", machine: null });
  }

  /** A VM fails with its machine. */
  #watch(vm: Vm, machine: FoundMachine): void {
    const { machines, log } = this.#options;
    vm.session = new MachineSession({
      machine,
      machines,
      log,
      // Callers do not come back for commands of an earlier daemon.
      onAnswer: (channel) => releaseJobs(channel, []),
      onLost: async ({ reason }) => {
        if (!this.#registry.has(vm.record.vm_id)) return;
        vm.session = null;
        await this.#save(vm, { state: "failed", reason: `it ended: ${reason}`, machine: null });
      },
    });
  }

  /** Does what a state allows, one thing at a time. Throws FAILED_PRECONDITION for what it does not allow. */
  async #exclusively<T>(vm: Vm, move: Move, work: () => Promise<T>): Promise<T> {
    if (vm.pending !== null) {
      throw new PyroError("FAILED_PRECONDITION", `VM ${vm.record.vm_id} is busy.`, {
        hint: "Wait until its start or its command has ended.",
        details: { vm_id: vm.record.vm_id, state: vm.record.state },
      });
    }
    assertMove(vm.record, move);
    const pending = work();
    vm.pending = pending;
    try {
      return await pending;
    } finally {
      vm.pending = null;
    }
  }

  async #cancelAndRemove(vmId: string, vm: Vm): Promise<void> {
    vm.abort.abort(new PyroError("ABORTED", `VM ${vmId} was deleted.`, { hint: "Create another VM." }));
    await vm.pending?.catch(() => {});
    await this.#remove(vm);
  }

  async #remove(vm: Vm): Promise<void> {
    this.#registry.forget(vm.record.vm_id);
    await this.#endMachine(vm);
    await removeVmRecord(this.#path, vm.record.vm_id);
  }

  async #endMachine(vm: Vm): Promise<void> {
    const { session } = vm;
    vm.session = null;
    await session?.end();
  }

  async #save(vm: Vm, change: Partial<VmRecord>): Promise<void> {
    const record = { ...vm.record, ...change };
    await writeVmRecord(this.#path, record);
    vm.record = record;
  }
}

function noVm(vmId: string): PyroError {
  return new PyroError("NOT_FOUND", `There is no VM ${vmId}.`, {
    hint: "It may have expired, or have been removed after its command.",
    details: { vm_id: vmId },
  });
}

function newVm(record: VmRecord): Vm {
  return { record, session: null, pending: null, abort: new AbortController() };
}

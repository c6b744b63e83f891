import { join } from "node:path";

import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { JoinedController } from "../../host/joined-controller.js";
import { readMakingTime } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { explainReading, type Damage } from "../../store/record.js";
import { readVmRecords, recordPath, removeVmRecord, writeVmRecord, type VmRecord } from "../../store/vm-record.js";
import { runCommand } from "../command.js";
import type { Call } from "../call.js";
import { hasExpired, reapRegularly } from "../expiry.js";
import { asFound, type LastingMachines, newMachineId } from "../machines/machines.js";
import { networkRequestOf, viewNetwork } from "../network.js";
import { watchSilence } from "../silence.js";
import { resolveTimeout } from "../timeout.js";
import { assertMove, type Move } from "./moves.js";
import { viewOf, viewOfUnreadable, vmExpiryOf } from "./view.js";

export interface VmsOptions {
  readonly homePath: string;
  readonly machines: LastingMachines;
  readonly log: Log;
}

interface Vm {
  record: VmRecord;
  machine: FoundMachine | null;
  /** Why its VM is of no use yet, though it is started. */
  silence: () => string | null;
  /** A start or a command under way: there is one at a time, and meanwhile the VM does not expire. */
  pending: Promise<unknown> | null;
  /** Cancels what is under way, when the VM is deleted. */
  readonly abort: AbortController;
}

/** VMs that callers set up step by step: created, started, used once, gone. */
export class Vms {
  readonly #options: VmsOptions;
  readonly #path: string;
  readonly #vms = new Map<string, Vm>();
  /** VMs whose records cannot be read. They can only be looked at and deleted. */
  readonly #unreadable = new Map<string, Damage>();
  readonly #reaper: NodeJS.Timeout;
  #detached = false;

  private constructor(options: VmsOptions) {
    this.#options = options;
    this.#path = join(options.homePath, "vm-records");
    this.#reaper = reapRegularly(() => this.reapExpired());
  }

  /** Reads every record, and finds the VMs that still run. */
  static async open(options: VmsOptions): Promise<Vms> {
    const vms = new Vms(options);
    const found = await readVmRecords(vms.#path);
    await Promise.all(
      found.map(async ({ vmId, reading }) => {
        if (reading.kind === "record") return vms.#load(reading.record);
        const reason = explainReading(reading) ?? "its record is damaged";
        options.log.warn({ vm: vmId, reason }, "VM is unreadable");
        vms.#unreadable.set(vmId, { reason, since: await readMakingTime(recordPath(vms.#path, vmId)) });
      }),
    );
    await vms.reapExpired();
    return vms;
  }

  /** Their machines are left to whoever can read what they are. */
  get unreadableIds(): string[] {
    return [...this.#unreadable.keys()];
  }

  async create(input: InputOf<"vm.create">): Promise<ResultOf<"vm.create">> {
    networkRequestOf(input);
    const record: VmRecord = {
      format: 1,
      vm_id: newMachineId(),
      environment: input.environment,
      created_at: new Date().toISOString(),
      ttl_seconds: input.ttl_seconds,
      vcpu_count: input.vcpu_count,
      mem_mib: input.mem_mib,
      allow_host_compat: input.allow_host_compat,
      network: input.network,
      network_allow: input.network_allow,
      network_allow_host: input.network_allow_host,
      network_host_proxy: input.network_host_proxy,
      network_host_ca: input.network_host_ca,
      network_host_env: input.network_host_env,
      state: "created",
      reason: null,
      execution_mode: null,
      accelerator: null,
      environment_digest: null,
      machine: null,
    };
    await writeVmRecord(this.#path, record);
    this.#vms.set(record.vm_id, newVm(record));
    return viewOf(record);
  }

  async start(vmId: string, call: Call): Promise<ResultOf<"vm.start">> {
    const vm = this.#get(vmId);
    await this.#exclusively(vm, "start", async () => {
      const { environment, vcpu_count, mem_mib, allow_host_compat } = vm.record;
      const network = networkRequestOf(vm.record);
      const shape = {
        environment,
        vcpuCount: vcpu_count,
        memMib: mem_mib,
        allowHostCompat: allow_host_compat,
        network,
      };
      using until = new JoinedController([call.signal, vm.abort.signal]);
      const { machine, environmentDigest } = await this.#options.machines.acquire(
        { id: vmId, ...shape },
        { ...call, signal: until.signal },
      );
      vm.machine = asFound(machine);
      vm.silence = watchSilence(vm.machine);
      await this.#save(vm, {
        state: "started",
        execution_mode: machine.executionMode,
        accelerator: machine.accelerator,
        environment_digest: environmentDigest,
        machine: machine.handle,
      }).catch(async (error: unknown) => {
        await this.#endMachine(vm);
        throw error;
      });
      this.#watch(vm, vm.machine);
    });
    return viewOf(vm.record);
  }

  /** Runs one command; the VM is gone when this resolves. */
  async exec(input: InputOf<"vm.exec">, call: Call): Promise<ResultOf<"vm.exec">> {
    const vm = this.#get(input.vm_id);
    return this.#exclusively(vm, "exec", async () => {
      const { command, cwd, env, interleaved } = input;
      const timeoutSeconds = resolveTimeout(input);
      const timeoutMs = timeoutSeconds === null ? null : timeoutSeconds * 1000;
      const request = { command, cwd, env, timeoutMs, memMib: vm.record.mem_mib, interleaved };
      try {
        using until = new JoinedController([call.signal, vm.abort.signal]);
        const outcome = await runCommand(vm.machine!, request, { ...call, signal: until.signal });
        const { environment, accelerator } = vm.record;
        return { vm_id: input.vm_id, environment, command, ...outcome, accelerator, cleanup: { deleted: true } };
      } finally {
        await this.#remove(vm);
      }
    });
  }

  async stop(vmId: string): Promise<ResultOf<"vm.stop">> {
    const vm = this.#get(vmId);
    await this.#exclusively(vm, "stop", async () => {
      await this.#save(vm, { state: "stopped", machine: null });
      await this.#endMachine(vm);
    });
    return viewOf(vm.record);
  }

  status(vmId: string): ResultOf<"vm.status"> {
    const damage = this.#unreadable.get(vmId);
    if (damage !== undefined) return viewOfUnreadable(vmId, damage);
    const { record, silence } = this.#get(vmId);
    return { ...viewOf(record), state_reason: record.reason ?? silence() };
  }

  async networkInfo(vmId: string): Promise<ResultOf<"vm.network_info">> {
    const { record, machine } = this.#get(vmId);
    return {
      vm_id: vmId,
      network_enabled: record.network,
      network: await viewNetwork(machine?.network ?? null),
    };
  }

  /** Removes it, cancelling what is under way; whoever waits for that is told first. */
  async delete(vmId: string): Promise<void> {
    if (this.#unreadable.delete(vmId)) return this.#removeUnreadable(vmId);
    const vm = this.#get(vmId);
    vm.abort.abort(new PyroError("ABORTED", `VM ${vmId} was deleted.`, { hint: "Create another VM." }));
    await vm.pending?.catch(() => {});
    await this.#remove(vm);
  }

  async reapExpired(): Promise<string[]> {
    const expired = [...this.#vms.values()].filter(
      (vm) => vm.pending === null && hasExpired(vmExpiryOf(vm.record), Date.now()),
    );
    for (const { record } of expired) {
      this.#options.log.info({ vm: record.vm_id }, "VM expired");
      await this.delete(record.vm_id).catch((error: unknown) =>
        this.#options.log.error({ err: error }, "reaping failed"),
      );
    }
    return expired.map(({ record }) => record.vm_id);
  }

  /** Lets go of all VMs: the next daemon finds them. */
  detachAll(): void {
    this.#detached = true;
    clearInterval(this.#reaper);
    for (const { machine } of this.#vms.values()) {
      machine?.ready.then(({ channel }) => channel.close()).catch(() => {});
    }
  }

  async #load(record: VmRecord): Promise<void> {
    const vm = newVm(record);
    this.#vms.set(record.vm_id, vm);
    if (record.state !== "started") return;
    vm.machine = await this.#adopt(record);
    if (vm.machine) {
      vm.silence = watchSilence(vm.machine);
      this.#watch(vm, vm.machine);
    } else await this.#save(vm, { state: "failed", reason: "its VM ended while no daemon ran", machine: null });
  }

  async #adopt({ vm_id, machine, environment_digest }: VmRecord): Promise<FoundMachine | null> {
    if (machine === null || environment_digest === null) return null;
    const { machines, log } = this.#options;
    try {
      const found = await machines.adopt({ id: vm_id, handle: machine, environmentDigest: environment_digest });
      // A command whose caller's daemon died has nobody left to be told.
      found?.ready.then(({ channel }) => releaseAll(channel)).catch(() => {});
      return found;
    } catch (error) {
      log.warn({ vm: vm_id, err: error }, "a VM could not be taken over");
      return null;
    }
  }

  #watch(vm: Vm, machine: FoundMachine): void {
    const lost = machine.ready.then(
      () => machine.died,
      (error: unknown) => (PyroError.from(error).code === "VM_DIED" ? machine.died : PyroError.from(error).message),
    );
    void lost.then(async (reason) => {
      if (this.#detached || vm.machine !== machine) return;
      await this.#endMachine(vm);
      if (!this.#vms.has(vm.record.vm_id)) return;
      await this.#save(vm, { state: "failed", reason: `it ended: ${reason}`, machine: null });
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

  async #remove(vm: Vm): Promise<void> {
    this.#vms.delete(vm.record.vm_id);
    await this.#endMachine(vm);
    await removeVmRecord(this.#path, vm.record.vm_id);
  }

  /** Its id is all that is known of it. */
  async #removeUnreadable(vmId: string): Promise<void> {
    await removeVmRecord(this.#path, vmId);
    await this.#options.machines.endLost(vmId);
  }

  async #endMachine(vm: Vm): Promise<void> {
    const { machine } = vm;
    vm.machine = null;
    if (machine) await this.#options.machines.destroy(machine);
  }

  async #save(vm: Vm, change: Partial<VmRecord>): Promise<void> {
    const record = { ...vm.record, ...change };
    await writeVmRecord(this.#path, record);
    vm.record = record;
  }

  #get(vmId: string): Vm {
    const vm = this.#vms.get(vmId);
    if (vm) return vm;
    const reason = this.#unreadable.get(vmId)?.reason;
    if (reason !== undefined) {
      throw new PyroError("FAILED_PRECONDITION", `VM ${vmId} is unreadable: ${reason}.`, {
        hint: "Its record is left as it is; deleting the VM removes it.",
        details: { vm_id: vmId, state: "unreadable", reason },
      });
    }
    throw new PyroError("NOT_FOUND", `There is no VM ${vmId}.`, {
      hint: "It may have expired, or have been removed after its command.",
      details: { vm_id: vmId },
    });
  }
}

function releaseAll(channel: Channel): void {
  for (const job of channel.hello.jobs) channel.request("release", { job }).catch(() => {});
}

function newVm(record: VmRecord): Vm {
  return { record, machine: null, silence: () => null, pending: null, abort: new AbortController() };
}

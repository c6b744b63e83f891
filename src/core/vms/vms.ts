import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import { explainReading } from "../../store/record.js";
import { readVmRecords, recordPath, removeVmRecord, writeVmRecord, type VmRecord } from "../../store/vm-record.js";
import { hasExpired } from "../lifecycle/expiry.js";
import { Registry } from "../lifecycle/registry.js";
import { type LastingMachines } from "../machines/lasting.js";
import { newMachineId } from "../machines/machine-id.js";
import { networkRequestOf } from "../machines/network.js";
import { newVmRecord } from "./new-record.js";
import { viewOf, viewOfUnreadable, vmExpiryOf } from "./view.js";
import { Vm } from "./vm.js";

export interface VmsOptions {
  readonly homePath: string;
  readonly machines: LastingMachines;
  readonly log: Log;
}

/** VMs that callers set up step by step: created, started, used once, removed. */
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
      hasExpired: (vm, now) => !vm.isBusy && hasExpired(vmExpiryOf(vm.record), now),
      remove: async (_, vm) => {
        await vm.cancel();
        await this.#remove(vm);
      },
      removeFiles: (vmId) => removeVmRecord(this.#path, vmId),
    });
  }

  /** Reads every record, and finds the VMs that still run. */
  static async open(options: VmsOptions): Promise<Vms> {
    const vms = new Vms(options);
    const found = await readVmRecords(vms.#path);
    await Promise.all(
      found.map(async ({ vmId, reading }) => {
        if (reading.kind === "record") return vms.#add(reading.record).takeOver();
        const reason = explainReading(reading) ?? "its record is damaged";
        await vms.#registry.addUnreadable(vmId, reason, recordPath(vms.#path, vmId));
      }),
    );
    await vms.reapExpired();
    return vms;
  }

  /** Ids of VMs whose record cannot be read. Their machines are left for a pyro that can read it. */
  get unreadableIds(): string[] {
    return this.#registry.unreadable.map(([vmId]) => vmId);
  }

  async create(input: InputOf<"vm.create">): Promise<ResultOf<"vm.create">> {
    networkRequestOf(input);
    const record = newVmRecord(newMachineId(), input);
    await writeVmRecord(this.#path, record);
    this.#add(record);
    return viewOf(record);
  }

  /** Throws NOT_FOUND, or FAILED_PRECONDITION for one whose record cannot be read. */
  get(vmId: string): Vm {
    return this.#registry.get(vmId);
  }

  /** A VM as status shows it; also one whose record cannot be read. */
  status(vmId: string): ResultOf<"vm.status"> {
    const damage = this.#registry.damageOf(vmId);
    return damage === undefined ? this.get(vmId).status() : viewOfUnreadable(vmId, damage);
  }

  /** Removes a VM and cancels its start or command; the callers of these get their answers first. */
  delete(vmId: string): Promise<void> {
    return this.#registry.delete(vmId);
  }

  reapExpired(): Promise<string[]> {
    return this.#registry.reapExpired();
  }

  /** Detaches from all VMs: the next daemon adopts them. */
  detachAll(): void {
    this.#registry.close();
    for (const vm of this.#registry.all) vm.detach();
  }

  #add(record: VmRecord): Vm {
    const { machines, log } = this.#options;
    const vm = new Vm(record, { path: this.#path, machines, log, remove: (gone) => this.#remove(gone) });
    this.#registry.add(record.vm_id, vm);
    return vm;
  }

  async #remove(vm: Vm): Promise<void> {
    this.#registry.forget(vm.vmId);
    await vm.remove();
  }
}

function noVm(vmId: string): PyroError {
  return new PyroError("NOT_FOUND", `There is no VM ${vmId}.`, {
    hint: "It may have expired, or have been removed after its command.",
    details: { vm_id: vmId },
  });
}

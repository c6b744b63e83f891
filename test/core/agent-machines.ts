import type { FoundMachine, Machine, Presence } from "../../src/backend/backend.js";
import type { LastingMachines } from "../../src/core/machines/machines.js";
import { AgentProcess } from "../guest/agent-process.js";

/** Machines that are the agent as a plain process: tasks without VMs. */
export class AgentMachines implements LastingMachines, AsyncDisposable {
  readonly #agents = new Set<AgentProcess>();
  /** What a new machine waits for. */
  before: () => Promise<void> = async () => {};

  async acquire(): Promise<{ machine: Machine; environmentDigest: string }> {
    await this.before();
    const agent = new AgentProcess();
    this.#agents.add(agent);
    const channel = await agent.connect();
    const machine: Machine = {
      id: `vm-${this.#agents.size}`,
      executionMode: "host_compat",
      accelerator: null,
      network: null,
      handle: null,
      died: new Promise<string>(() => {}),
      stall: () => null,
      reservedMib: null,
      usage: async () => ({ memoryBytes: 0, diskBytes: 0 }),
      destroy: async () => {
        channel.close();
        this.#agents.delete(agent);
        await agent[Symbol.asyncDispose]();
      },
      channel,
    };
    return { machine, environmentDigest: "d1" };
  }

  async destroy(machine: Presence): Promise<void> {
    await machine.destroy();
  }

  async adopt(): Promise<FoundMachine | null> {
    return null;
  }

  async sweep(): Promise<void> {}
  async endLost(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => agent[Symbol.asyncDispose]()));
  }
}

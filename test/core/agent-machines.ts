import type { FoundMachine, Machine, Presence } from "../../src/backend/backend.js";
import type { LastingMachines } from "../../src/core/machines/machines.js";
import type { Channel } from "../../src/guest/channel.js";
import { frameType } from "../../src/guest/messages.js";
import { AgentProcess } from "../guest/agent-process.js";

/** Machines that are the agent as a plain process: tasks without VMs. */
export class AgentMachines implements LastingMachines, AsyncDisposable {
  readonly #agents = new Set<AgentProcess>();
  /** What a new machine waits for. */
  before: () => Promise<void> = async () => {};

  /** The workspaces of the machines, the newest last. */
  get workspaces(): string[] {
    return Array.from(this.#agents, ({ workspace }) => workspace);
  }

  async acquire(): Promise<{ machine: Machine; environmentDigest: string }> {
    await this.before();
    const agent = new AgentProcess();
    this.#agents.add(agent);
    const channel = await agent.connect();
    showWorkspace(channel, agent.workspace);
    const machine: Machine = {
      id: `vm-${this.#agents.size}`,
      executionMode: "host_compat",
      accelerator: null,
      network: null,
      networkRequest: null,
      handle: null,
      died: new Promise<string>(() => {}),
      stall: () => null,
      reservedMib: null,
      usage: async () => ({ memoryBytes: 0, diskBytes: 0 }),
      snapshot: async () => Promise.reject(new Error("a plain process cannot become a snapshot")),
      destroy: async () => {
        channel.close();
        this.#agents.delete(agent);
        await agent[Symbol.asyncDispose]();
      },
      channel,
    };
    return { machine, environmentDigest: "d1" };
  }

  async acquireFrom(): Promise<Machine> {
    throw new Error("a plain process cannot start from a snapshot");
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

/** Requests for /workspace reach the agent's own directory: a plain process sees the host's root. */
function showWorkspace(channel: Channel, workspace: string): void {
  const send = channel.send.bind(channel);
  channel.send = (type, stream, payload) => {
    const shown = type === frameType.request ? Buffer.from(relocate(payload.toString(), workspace)) : payload;
    return send(type, stream, shown);
  };
}

function relocate(request: string, workspace: string): string {
  const fields = JSON.parse(request) as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== "string" || (value !== "/workspace" && !value.startsWith("/workspace/"))) continue;
    fields[name] = `${workspace}${value.slice("/workspace".length)}`;
  }
  return JSON.stringify(fields);
}

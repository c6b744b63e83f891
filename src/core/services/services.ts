import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf } from "../../contract/operations.js";
import type { ServiceRecord } from "../../store/service-record.js";
import type { Call } from "../call.js";
import { Turns } from "../lifecycle/turns.js";
import { resolveCwd } from "../exec/cwd.js";
import type { PublishedPorts } from "../ports/published-ports.js";
import { parseCondition, parsePort } from "./condition.js";
import { Service, type ServiceHost } from "./service.js";

type StartInput = InputOf<"task.service.start">;

/** The parts of a task that its services use. */
export interface ServicesHost extends Omit<ServiceHost, "save" | "closePorts"> {
  /** Where the task's commands start. */
  directory(): string;
  readonly ports: PublishedPorts;
  /** The services of the task's record. */
  records(): readonly ServiceRecord[];
  /** Writes the records, durably. */
  record(services: readonly ServiceRecord[]): Promise<void>;
}

/** The services of one task, by name. */
export class Services {
  readonly #host: ServicesHost;
  readonly #services = new Map<string, Service>();
  /** One start at a time. */
  readonly #starts = new Turns();

  constructor(host: ServicesHost) {
    this.#host = host;
    for (const record of host.records()) this.#add(record);
  }

  get all(): Service[] {
    return [...this.#services.values()];
  }

  /** Throws NOT_FOUND. */
  find(name: string): Service {
    const service = this.#services.get(name);
    if (service) return service;
    const { taskId } = this.#host;
    throw new PyroError("NOT_FOUND", `Task ${taskId} has no service ${name}.`, {
      hint: `See \`pyro task service list ${taskId}\`.`,
      details: { task_id: taskId, name },
    });
  }

  /** Starts a service; resolves when its command is recorded. Throws ALREADY_EXISTS when one of its name runs. */
  start(input: StartInput, call: Call): Promise<Service> {
    return this.#starts.take(call.signal, async () => {
      if (input.ready !== undefined) parseCondition(input.ready);
      const wanted = input.publish.map(parsePublish);
      this.#makeRoom(input.name);
      const replaced = this.#services.get(input.name)?.record;
      const ports = await this.#publish(wanted);
      const record = newRecord(input, this.#host.directory(), ports);
      const service = this.#add(record);
      try {
        await this.#save();
        await service.launch(call);
        return service;
      } catch (error) {
        if (replaced) this.#add(replaced);
        else this.#services.delete(input.name);
        await this.#save().catch(() => {});
        await this.#closePorts(record);
        throw error;
      }
    });
  }

  /** Continues the services of the task's record, which may be those of a snapshot. */
  resume(): void {
    const records = this.#host.records();
    const isSame = (record: ServiceRecord) => this.#services.get(record.name)?.record === record;
    if (records.length !== this.#services.size || !records.every(isSame)) void this.#replace(records);
    for (const service of this.all) service.resume();
  }

  /** Replaces the services, and closes ports that none of the new ones has. */
  async #replace(records: readonly ServiceRecord[]): Promise<void> {
    const before = this.all.flatMap(({ record }) => record.ports);
    this.#services.clear();
    for (const record of records) this.#add(record);
    const kept = new Set(records.flatMap(({ ports }) => ports.map(({ port }) => port)));
    await this.#close(before.filter(({ port }) => !kept.has(port)));
  }

  /** Called when the task is stopped or deleted, or the daemon detaches. */
  suspend(): void {
    for (const service of this.all) service.suspend();
  }

  #add(record: ServiceRecord): Service {
    const host: ServiceHost = {
      ...this.#host,
      save: () => this.#save(),
      closePorts: (closed) => this.#closePorts(closed),
    };
    const service = new Service(host, record);
    this.#services.set(record.name, service);
    return service;
  }

  #save(): Promise<void> {
    return this.#host.record(this.all.map(({ record }) => record));
  }

  /** Forgets the oldest ended service, if there are too many. */
  #makeRoom(name: string): void {
    const { taskId } = this.#host;
    const present = this.#services.get(name);
    if (present?.isLive) {
      throw new PyroError("ALREADY_EXISTS", `Task ${taskId} has a service ${name}: it is ${present.record.state}.`, {
        hint: `Stop it first: pyro task service stop ${taskId} ${name}.`,
        details: { task_id: taskId, name },
      });
    }
    if (present || this.#services.size < limits.services) return;
    const over = this.all.find(({ isLive }) => !isLive);
    if (over) this.#services.delete(over.record.name);
    else {
      throw new PyroError("RESOURCE_EXHAUSTED", `Task ${taskId} has ${limits.services} services, which is the limit.`, {
        hint: "Stop one of them.",
        details: { limit: limits.services },
      });
    }
  }

  /** Publishes all of the ports, or none of them. */
  async #publish(wanted: readonly PortWish[]): Promise<ServiceRecord["ports"]> {
    const { ports } = this.#host;
    const published: { port: number; is_own: boolean }[] = [];
    try {
      for (const { port, hostPort } of wanted) {
        const isOwn = !ports.list.some((each) => each.port === port);
        await ports.publish(port, hostPort);
        published.push({ port, is_own: isOwn });
      }
      return published;
    } catch (error) {
      await this.#close(published);
      throw error;
    }
  }

  #closePorts({ ports }: ServiceRecord): Promise<void> {
    return this.#close(ports);
  }

  async #close(closed: ServiceRecord["ports"]): Promise<void> {
    for (const { port, is_own: isOwn } of closed) {
      if (isOwn) await this.#host.ports.close(port).catch(() => {});
    }
  }
}

interface PortWish {
  readonly port: number;
  readonly hostPort: number | undefined;
}

/** Parses `PORT` or `HOST_PORT:PORT`. */
function parsePublish(text: string): PortWish {
  const parts = text.split(":").map((part) => parsePort(part, "publish"));
  return { port: parts.at(-1)!, hostPort: parts.length === 2 ? parts[0] : undefined };
}

function newRecord(input: StartInput, directory: string, ports: ServiceRecord["ports"]): ServiceRecord {
  const { name, command, env, ready = null, ready_timeout_seconds, restart } = input;
  return {
    ...{ name, command, env, ready, ready_timeout_seconds, restart, ports },
    cwd: resolveCwd(input.cwd, directory),
    since: new Date().toISOString(),
    ...{ state: "starting", reason: null, ready_at: null, restart_count: 0, early_failures: 0 },
  };
}

/** The services of a snapshot, for a task that starts from it, with the ports that it publishes. */
export function adoptServices(
  records: readonly ServiceRecord[],
  at: string,
  published: readonly { readonly port: number }[],
): ServiceRecord[] {
  const isPublished = (port: number) => published.some((each) => each.port === port);
  return records.map((record) => ({
    ...record,
    since: at,
    ports: record.ports.filter(({ port }) => isPublished(port)),
  }));
}

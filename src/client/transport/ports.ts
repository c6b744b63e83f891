import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readJson, writeFileAtomic } from "../../host/files.js";
import { listenOnLoopback } from "../../host/loopback.js";
import type { Place } from "./place.js";
import { requestMaster } from "./run-ssh.js";

type Fields = Readonly<Record<string, unknown>>;

/** A port of a task: where it is published on the other machine, and where this machine leads there. */
interface Forwarded {
  readonly task_id: string;
  readonly port: number;
  readonly far: number;
  readonly here: number;
}

/** A published port in a result. */
interface Published {
  readonly port: number;
  readonly host_port: number;
  readonly url: string;
  readonly open: boolean;
}

/** How many free ports are tried: another program may take one meanwhile. */
const MAX_TRIES = 5;
/** Operations whose ports are forwarded; in other results a port that is not forwarded is not open here. */
const forwarding: readonly OperationName[] = ["task.port.publish", "task.port.list", "task.service.start"];

/**
 * The published ports of a context: the other machine's loopback has them, and ssh's master listens on this machine's. The callers see
 * this machine's numbers only.
 */
export class FarPorts {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The input for the other machine: host ports are chosen here. Throws FAILED_PRECONDITION when one cannot be had. */
  async prepare(name: OperationName, input: Fields): Promise<Fields> {
    if (name === "task.port.publish") {
      const { host_port, ...rest } = input;
      if (host_port !== undefined) await this.#assertFree(Number(input["port"]), Number(host_port));
      return rest;
    }
    if (name !== "task.service.start" || !Array.isArray(input["publish"])) return input;
    for (const [port, here] of wantedOf(name, input)) await this.#assertFree(port, here);
    return { ...input, publish: input["publish"].map((pair) => String(pair).split(":").at(-1)) };
  }

  /** The result as this machine sees it. */
  async show(name: OperationName, input: Fields, result: unknown): Promise<unknown> {
    if (name === "task.delete" || name === "task.port.close") await this.#forget(input, result);
    if (!hasPorts(result)) return result;
    const wanted = wantedOf(name, input);
    const mayOpen = forwarding.includes(name);
    const view = async (taskId: string, shown: Published): Promise<Published> => {
      const known = (await this.#read()).find((each) => each.task_id === taskId && each.far === shown.host_port);
      const wish = { task_id: taskId, port: shown.port, far: shown.host_port };
      const found = mayOpen && shown.open ? await this.#forward(wish, wanted.get(shown.port), known) : known;
      if (!found) return { ...shown, open: false };
      return { ...shown, host_port: found.here, url: `http://127.0.0.1:${found.here}` };
    };
    return mapPorts(result, String(input["task_id"] ?? ""), view);
  }

  /** Forwards again what an earlier connection has. A port that cannot be had is left out; publishing it again says why. */
  async restore(): Promise<void> {
    for (const { far, here } of await this.#read()) await this.#ask("forward", here, far);
  }

  async #forward(wish: Omit<Forwarded, "here">, wanted: number | undefined, known?: Forwarded): Promise<Forwarded> {
    if (known) {
      if (wanted !== undefined && wanted !== known.here) throw publishedElsewhere(known);
      if (await this.#ask("forward", known.here, known.far)) return known;
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // The same number as on the other machine is the easiest to remember.
      const here = wanted ?? (tries === 0 && (await isFree(wish.far)) ? wish.far : await findFree());
      if (!(await this.#ask("forward", here, wish.far))) continue;
      const forwarded = { ...wish, here };
      const others = (await this.#read()).filter((each) => each.far !== wish.far);
      await this.#write([...others, forwarded]);
      return forwarded;
    }
    throw cannotListen(wanted ?? wish.far);
  }

  async #assertFree(port: number, here: number): Promise<void> {
    const ours = (await this.#read()).some((each) => each.port === port && each.here === here);
    if (!ours && !(await isFree(here))) throw cannotListen(here);
  }

  /** The ports of a task that was deleted, or one that was closed. The input may have the task's name; the result has its id. */
  async #forget(input: Fields, result: unknown): Promise<void> {
    const { task_id } = result as { readonly task_id?: unknown };
    const port = input["port"] === undefined ? null : Number(input["port"]);
    await this.#drop((each) => each.task_id === task_id && (port === null || each.port === port));
  }

  async #drop(isDropped: (each: Forwarded) => boolean): Promise<void> {
    const all = await this.#read();
    const dropped = all.filter(isDropped);
    if (dropped.length === 0) return;
    for (const { here, far } of dropped) await this.#ask("cancel", here, far);
    await this.#write(all.filter((each) => !isDropped(each)));
  }

  #ask(verb: "forward" | "cancel", here: number, far: number): Promise<boolean> {
    return requestMaster(this.#place, verb, ["127.0.0.1", String(here), "127.0.0.1", String(far)]);
  }

  async #read(): Promise<readonly Forwarded[]> {
    const value = await readJson(this.#place.ports);
    return Array.isArray(value) ? value.filter(isForwarded) : [];
  }

  async #write(all: readonly Forwarded[]): Promise<void> {
    await writeFileAtomic(this.#place.ports, `${JSON.stringify(all)}\n`);
  }
}

function isForwarded(value: unknown): value is Forwarded {
  if (typeof value !== "object" || value === null) return false;
  const { task_id, port, far, here } = value as Record<string, unknown>;
  return typeof task_id === "string" && [port, far, here].every((number) => Number.isInteger(number));
}

/** The host ports that a call asks for, by the port in the task. */
function wantedOf(name: OperationName, input: Fields): Map<number, number> {
  if (name === "task.port.publish" && input["host_port"] !== undefined) {
    return new Map([[Number(input["port"]), Number(input["host_port"])]]);
  }
  const pairs = name === "task.service.start" && Array.isArray(input["publish"]) ? input["publish"] : [];
  return new Map(
    pairs
      .map(String)
      .filter((pair) => pair.includes(":"))
      .map(parsePair),
  );
}

function parsePair(pair: string): [number, number] {
  const [here, port] = pair.split(":");
  return [Number(port), Number(here)];
}

async function isFree(port: number): Promise<boolean> {
  return listenOnLoopback(port, (socket) => socket.destroy()).then(
    (listener) => (listener.close(), true),
    () => false,
  );
}

async function findFree(): Promise<number> {
  const listener = await listenOnLoopback(0, (socket) => socket.destroy());
  listener.close();
  return listener.port;
}

function hasPorts(result: unknown): boolean {
  return JSON.stringify(result ?? null).includes('"host_port":');
}

/** Replaces the published ports in a result, wherever they are; each belongs to the nearest task around it. */
async function mapPorts(
  value: unknown,
  taskId: string,
  view: (taskId: string, shown: Published) => Promise<Published>,
): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((each) => mapPorts(each, taskId, view)));
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Fields;
  const nearest = typeof fields["task_id"] === "string" ? fields["task_id"] : taskId;
  if (typeof fields["host_port"] === "number") return view(nearest, value as Published);
  const entries: [string, unknown][] = [];
  for (const [name, each] of Object.entries(fields)) entries.push([name, await mapPorts(each, nearest, view)]);
  return Object.fromEntries(entries);
}

function publishedElsewhere({ task_id, port, here }: Forwarded): PyroError {
  return new PyroError("ALREADY_EXISTS", `Port ${port} of the task is published on port ${here} of this machine.`, {
    hint: `Close it first: pyro task port close ${task_id} ${port}.`,
    details: { port, host_port: here },
  });
}

function cannotListen(port: number): PyroError {
  return new PyroError(
    "FAILED_PRECONDITION",
    `Cannot forward port ${port} of this machine: it is taken, or the ssh server forbids it.`,
    {
      hint: "Choose another host port, or leave it out to get a free one. The server needs AllowTcpForwarding yes.",
      details: { host_port: port },
    },
  );
}

import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { listenOnLoopback } from "../../host/loopback.js";
import type { Place } from "./place.js";
import { readRecords, withRecordsLocked, writeRecords, type Forwarded } from "./port-records.js";
import { hasPorts, mapPorts, wantedOf, type Published } from "./published.js";
import { requestMaster } from "./run-ssh.js";
import type { Ask } from "./transport.js";

type Fields = Readonly<Record<string, unknown>>;

/** How many free ports are tried: another program may take one meanwhile. */
const MAX_TRIES = 5;
/** Operations whose ports are forwarded; in other results a port that is not forwarded is not open here. */
const forwarding: readonly OperationName[] = ["task.port.publish", "task.port.list", "task.service.start"];
/** Operations after which a forward of the task may lead nowhere. */
const revealing: readonly OperationName[] = ["task.port.list", "task.status", "task.service.stop"];

/**
 * The published ports of a context: the other machine's loopback has them, and ssh's master listens on this machine's. The callers see
 * this machine's numbers only.
 */
export class FarPorts {
  readonly #place: Place;
  /** The inputs of `task.port.publish` whose port was not published before. */
  readonly #publishing = new WeakSet<Fields>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** The input for the other machine: host ports are chosen here. Throws FAILED_PRECONDITION when a port is not free. */
  async prepare(name: OperationName, input: Fields, ask: Ask): Promise<Fields> {
    if (name === "task.port.publish") {
      const { host_port, ...rest } = input;
      const task = await listPorts(ask, input["task_id"]);
      if (task?.ports.every(({ port }) => port !== input["port"])) this.#publishing.add(input);
      if (host_port !== undefined) await this.#assertFree(Number(input["port"]), Number(host_port), task?.task_id);
      return rest;
    }
    if (name !== "task.service.start" || !Array.isArray(input["publish"])) return input;
    const wanted = wantedOf(name, input);
    const task = wanted.size === 0 ? null : await listPorts(ask, input["task_id"]);
    for (const [port, here] of wanted) await this.#assertFree(port, here, task?.task_id);
    return { ...input, publish: input["publish"].map((pair) => String(pair).split(":").at(-1)) };
  }

  /** The result as this machine sees it; `input` is the object that `prepare` got. */
  async show(name: OperationName, input: Fields, result: unknown, ask: Ask): Promise<unknown> {
    if (name === "task.delete" || name === "task.port.close") await this.#forget(input, result);
    if (revealing.includes(name)) await this.#forgetClosed(result, ask);
    if (!hasPorts(result)) return result;
    const taskId = String(input["task_id"] ?? "");
    if (!forwarding.includes(name)) return mapPorts(result, taskId, (id, shown) => this.#look(id, shown));
    const wanted = wantedOf(name, input);
    const view = async (id: string, shown: Published) => {
      if (!shown.open) return this.#look(id, shown);
      const wish = { task_id: id, port: shown.port, far: shown.host_port };
      const found = await this.#forward(wish, wanted.get(shown.port)).catch((error: unknown) => {
        if (name !== "task.port.list") throw error;
      });
      return showAt(shown, found?.here);
    };
    try {
      return await withRecordsLocked(this.#place, () => mapPorts(result, taskId, view));
    } catch (error) {
      const { port } = input;
      if (this.#publishing.has(input)) await ask("task.port.close", { task_id: taskId, port }).catch(() => {});
      throw error;
    }
  }

  /** Forwards again what an earlier connection has. A port that cannot be had is forgotten; publishing it again says why. */
  async restore(): Promise<void> {
    if ((await readRecords(this.#place)).length === 0) return;
    await withRecordsLocked(this.#place, async () => {
      const all = await readRecords(this.#place);
      const kept: Forwarded[] = [];
      for (const each of all) if (await this.#ask("forward", each.here, each.far)) kept.push(each);
      // Without a connection nothing is known of the ports.
      if (kept.length < all.length && (await requestMaster(this.#place, "check")))
        await writeRecords(this.#place, kept);
    });
  }

  async #look(taskId: string, shown: Published): Promise<Published> {
    const all = await readRecords(this.#place);
    return showAt(shown, all.find((each) => each.task_id === taskId && each.far === shown.host_port)?.here);
  }

  /** Forwards a port, and records it. The records are locked. */
  async #forward(wish: Omit<Forwarded, "here">, wanted: number | undefined): Promise<Forwarded> {
    const isSame = ({ task_id, port }: Forwarded) => task_id === wish.task_id && port === wish.port;
    // A record of another publication leads nowhere, or to a port that is now this one's.
    await this.#drop((each) => isSame(each) !== (each.far === wish.far));
    const known = (await readRecords(this.#place)).find((each) => isSame(each));
    if (known) {
      if (wanted !== undefined && wanted !== known.here) throw publishedElsewhere(known);
      if (await this.#ask("forward", known.here, known.far)) return known;
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      // The same number as on the other machine is the easiest to remember.
      const here = wanted ?? (tries === 0 && (await isFree(wish.far)) ? wish.far : await findFree());
      if (!(await this.#ask("forward", here, wish.far))) continue;
      const forwarded = { ...wish, here };
      const others = (await readRecords(this.#place)).filter((each) => each.far !== wish.far);
      await writeRecords(this.#place, [...others, forwarded]);
      return forwarded;
    }
    throw cannotListen(wanted ?? wish.far);
  }

  /** `taskId` is undefined when the other machine could not be asked for it. */
  async #assertFree(port: number, here: number, taskId: string | undefined): Promise<void> {
    const isOurs = (each: Forwarded) => taskId === undefined || each.task_id === taskId;
    const ours = (await readRecords(this.#place)).some(
      (each) => each.port === port && each.here === here && isOurs(each),
    );
    if (!ours && !(await isFree(here))) throw cannotListen(here);
  }

  /** The ports of a task that was deleted, or one that was closed. The input may have the task's name; the result has its id. */
  async #forget(input: Fields, result: unknown): Promise<void> {
    const { task_id } = result as { readonly task_id?: unknown };
    const port = input["port"] === undefined ? null : Number(input["port"]);
    await withRecordsLocked(this.#place, () =>
      this.#drop((each) => each.task_id === task_id && (port === null || each.port === port)),
    );
  }

  /** The ports of a task that are no longer published. They are asked for under the lock: a call may have published one meanwhile. */
  async #forgetClosed(result: unknown, ask: Ask): Promise<void> {
    const { task_id, ports = [] } = result as { readonly task_id: string; readonly ports?: readonly Published[] };
    const isClosed = (each: Forwarded, open: readonly Published[]) =>
      each.task_id === task_id && open.every(({ host_port }) => host_port !== each.far);
    // The ports of a service that has ended are none, and the task may have others.
    if (!(await readRecords(this.#place)).some((each) => isClosed(each, ports))) return;
    await withRecordsLocked(this.#place, async () => {
      const task = await listPorts(ask, task_id);
      if (task !== null) await this.#drop((each) => isClosed(each, task.ports));
    });
  }

  async #drop(isDropped: (each: Forwarded) => boolean): Promise<void> {
    const all = await readRecords(this.#place);
    const dropped = all.filter(isDropped);
    if (dropped.length === 0) return;
    for (const { here, far } of dropped) await this.#ask("cancel", here, far);
    await writeRecords(
      this.#place,
      all.filter((each) => !isDropped(each)),
    );
  }

  #ask(verb: "forward" | "cancel", here: number, far: number): Promise<boolean> {
    return requestMaster(this.#place, verb, ["127.0.0.1", String(here), "127.0.0.1", String(far)]);
  }
}

/** A port at its number on this machine; without one it cannot be reached from here. */
function showAt(shown: Published, here: number | undefined): Published {
  if (here === undefined) return { ...shown, open: false };
  return { ...shown, host_port: here, url: `http://127.0.0.1:${here}` };
}

/** The id and published ports of a task on the other machine; null when it does not say. */
async function listPorts(ask: Ask, taskId: unknown) {
  const asked = ask("task.port.list", { task_id: taskId }).catch(() => null);
  return (await asked) as { readonly task_id: string; readonly ports: readonly Published[] } | null;
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

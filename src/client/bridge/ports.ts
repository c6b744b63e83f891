import { pipeline } from "node:stream/promises";

import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { listenOnLoopback, type Listener } from "../../host/loopback.js";
import type { Socket } from "../../host/socket.js";
import { podOf, type Fields } from "../kubernetes/pod-spec.js";
import type { Pods } from "../kubernetes/pods.js";
import { mapPorts, wantedOf, type Published } from "../transport/published.js";

/** A port of this machine that leads to a published port in a pod. */
interface Forward {
  readonly taskId: string;
  readonly port: number;
  /** The port on the pod's loopback. */
  readonly far: number;
  readonly listener: Listener;
}

/** Operations whose ports are forwarded; in other results a port that is not forwarded is not open here. */
const forwarding: readonly OperationName[] = ["task.port.publish", "task.port.list", "task.service.start"];
/** Operations whose results have all published ports of a task. */
const complete: readonly OperationName[] = ["task.port.list", "task.status"];

/** The published ports of a context: pods have them on their loopback, and the bridge listens on this machine's. */
export class BridgePorts {
  readonly #forwards = new Set<Forward>();
  #pods: Pods | null = null;

  /** From now on connections go through these: the way to the cluster may have been made again. */
  use(pods: Pods): void {
    this.#pods = pods;
  }

  get count(): number {
    return this.#forwards.size;
  }

  /** The input for the daemon: ports of this machine are chosen here. Throws FAILED_PRECONDITION when one cannot be had. */
  async prepare(name: OperationName, input: Fields): Promise<Fields> {
    for (const [port, here] of wantedOf(name, input)) await this.#assertFree(port, here);
    if (name === "task.port.publish") {
      const { host_port: _here, ...rest } = input;
      return rest;
    }
    if (name !== "task.service.start" || !Array.isArray(input["publish"])) return input;
    return { ...input, publish: input["publish"].map((pair) => String(pair).split(":").at(-1)) };
  }

  /** The result as this machine sees it; `input` is the one that the client gave. */
  async show(name: OperationName, input: Fields, result: unknown): Promise<unknown> {
    const { task_id: taskId, ports = [] } = result as {
      readonly task_id?: string;
      readonly ports?: readonly Published[];
    };
    if (name === "task.port.close") this.#close((each) => each.taskId === taskId && each.port === input["port"]);
    if (complete.includes(name)) {
      const open = new Set(ports.map(({ host_port }) => host_port));
      this.#close((each) => each.taskId === taskId && !open.has(each.far));
    }
    const wanted = wantedOf(name, input);
    return mapPorts(result, taskId ?? String(input["task_id"] ?? ""), async (id, shown) => {
      const known = this.#find(id, shown.host_port);
      if (!shown.open || !forwarding.includes(name)) return showAt(shown, known);
      return showAt(shown, known ?? (await this.#forward(id, shown, wanted.get(shown.port))));
    });
  }

  /** Closes the ports of tasks that are gone. */
  forget(taskId: string): void {
    this.#close((each) => each.taskId === taskId);
  }

  #find(taskId: string, far: number): Forward | undefined {
    return [...this.#forwards].find((each) => podOf(each.taskId) === podOf(taskId) && each.far === far);
  }

  /** The same number as in the pod is the easiest to remember. */
  async #forward(taskId: string, { port, host_port: far }: Published, wanted: number | undefined): Promise<Forward> {
    const pod = podOf(taskId) ?? "";
    const onConnection = (socket: Socket) => void this.#carry(socket, pod, far);
    const listen = (here: number) => listenOnLoopback(here, onConnection);
    const listener = await listen(wanted ?? far).catch(() => {
      if (wanted !== undefined) throw cannotListen(wanted);
      return listen(0);
    });
    const forward = { taskId, port, far, listener };
    this.#forwards.add(forward);
    return forward;
  }

  async #carry(socket: Socket, pod: string, far: number): Promise<void> {
    try {
      const stream = await this.#pods!.openPort(pod, far);
      await Promise.all([pipeline(socket, stream), pipeline(stream, socket)]);
    } catch {
      socket.destroy();
    }
  }

  async #assertFree(port: number, here: number): Promise<void> {
    if ([...this.#forwards].some((each) => each.port === port && each.listener.port === here)) return;
    const listener = await listenOnLoopback(here, (socket) => socket.destroy()).catch(() => {
      throw cannotListen(here);
    });
    listener.close();
  }

  #close(isClosed: (each: Forward) => boolean): void {
    for (const each of this.#forwards) {
      if (!isClosed(each)) continue;
      each.listener.close();
      this.#forwards.delete(each);
    }
  }
}

/** A port at its number on this machine; without one it cannot be reached from here. */
function showAt(shown: Published, forward: Forward | undefined): Published {
  if (forward === undefined) return { ...shown, open: false };
  const { port } = forward.listener;
  return { ...shown, host_port: port, url: `http://127.0.0.1:${port}` };
}

function cannotListen(port: number): PyroError {
  return new PyroError("FAILED_PRECONDITION", `Port ${port} of this machine is taken.`, {
    hint: "Choose another host port, or leave it out to get a free one.",
    details: { host_port: port },
  });
}

import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import { podOf, type Fields, type PodRequest } from "../kubernetes/pod-spec.js";
import type { Pods } from "../kubernetes/pods.js";
import { stateOf } from "../kubernetes/pod-state.js";
import { sweep } from "../kubernetes/sweep.js";
import type { BridgeCall, Watcher } from "./call.js";
import type { Daemons, Upgraded } from "./daemons.js";
import { deleteTask } from "./delete.js";
import { asFailed, explainClaim, readTasks, type Task } from "./recorded.js";
import { listSnapshots, listTasks } from "./list.js";
import type { BridgePorts } from "./ports.js";

/** A task that never expires may live for ever; another one not longer than this. */
const LIFE_SECONDS = 604_800;
/** How long a pod of one command may live beyond its command: its start, and the copy of a source. */
const RUN_SECONDS = 900;
const QUESTION = { vcpuCount: 1, memMib: 256, diskMib: 1_024 };
/** How often pods that have ended are removed, at most. */
const SWEEP_MS = 60_000;

/** Operations on what all tasks share: in a context of Kubernetes that is the image. */
const refused: readonly OperationName[] = [
  ...(["env.pull", "env.save", "env.build", "env.build.source", "env.export", "env.import", "env.prune"] as const),
  ...(["env.remove", "toolchain.install", "toolchain.remove", "vm.reap_expired"] as const),
];
/** Operations whose input or result may have ports of this machine. */
const withPorts: readonly OperationName[] = [
  ...(["task.port.publish", "task.port.list", "task.port.close", "task.service.start", "task.service.list"] as const),
  ...(["task.service.status", "task.service.stop"] as const),
];
/** Questions about the pods' image and nodes. */
const questions: readonly OperationName[] = ["env.list", "env.inspect", "toolchain.status", "doctor"];

/** Calls that make no pod again for a task that has lost its own: `task.create` has just made one. */
const withoutRevival: readonly OperationName[] = ["task.create", "task.status"];

/** Answers the calls of clients, or gives them to the daemon of a pod. */
export class Bridge {
  readonly #pods: Pods;
  readonly #daemons: Daemons;
  readonly #ports: BridgePorts;
  #sweptMs = -Infinity;

  constructor(pods: Pods, daemons: Daemons, ports: BridgePorts) {
    this.#pods = pods;
    this.#daemons = daemons;
    this.#ports = ports;
  }

  /** Performs a call. Rejects with the error that the client gets. */
  async perform(name: OperationName, call: BridgeCall): Promise<void> {
    const input = await call.readInput();
    if (refused.includes(name)) throw notHere(name);
    if (name === "task.list") {
      this.#sweep();
      const tasks = await listTasks(this.#pods, this.#daemons, input["labels"]);
      return call.answer(await this.#ports.show(name, input, { tasks }));
    }
    if (name === "task.snapshot.list" && input["task"] === undefined) {
      return call.answer({ snapshots: await listSnapshots(this.#pods, this.#daemons) });
    }
    if (name === "task.create") return this.#createTask(call, input);
    if (name === "vm.run" || name === "vm.create") return this.#runVm(name, call, input);
    if (questions.includes(name)) return this.#inOwnPod(name, call, input, question());
    const given = input["task_id"] ?? input["vm_id"] ?? input["snapshot_id"] ?? input["task"];
    const pod = await this.#findPod(String(given ?? ""));
    if (name === "task.delete") {
      const tools = { pods: this.#pods, daemons: this.#daemons, ports: this.#ports };
      return call.answer(await deleteTask(tools, pod, String(given), call.signal));
    }
    if (withPorts.includes(name)) return this.#workOnPorts(name, call, pod, input);
    if (name === "task.status") return this.#showTask(call, pod, input);
    await this.#handOver(name, call, pod, input, this.#observe(name, pod));
  }

  /** The pod of an id, or of a task's name. Throws NOT_FOUND. */
  async #findPod(given: string): Promise<string> {
    const pod = podOf(given) ?? (await this.#findNamed(given));
    if (pod !== null) return pod;
    throw new PyroError("NOT_FOUND", `There is no task ${given.slice(0, 100)}.`, { hint: "See `pyro task list`." });
  }

  /** A fork has its name from its daemon, so its pod has no label with it. */
  async #findNamed(name: string): Promise<string | null> {
    const labelled = await this.#pods.findNamed(name);
    if (labelled !== null) return labelled;
    const all = [...(await this.#pods.list()), ...(await this.#pods.listClaims())];
    return all.find((pod) => readTasks(pod).some((task) => task.name === name))?.metadata.name ?? null;
  }

  async #createTask(call: BridgeCall, input: Fields): Promise<void> {
    this.#sweep();
    const ttl = numberOf(input["ttl_seconds"], LIFE_SECONDS);
    const request = {
      kind: "task" as const,
      ...sizeOf(input),
      deadlineSeconds: ttl === 0 ? null : Math.max(ttl, LIFE_SECONDS),
      taskName: typeof input["name"] === "string" ? input["name"] : null,
    };
    let isKept = false;
    const onResult = async (result: unknown) => {
      const task = result as Task;
      await this.#pods.record(pod, { [task.task_id]: task });
      isKept = true;
      return result;
    };
    const pod = await this.#start(request, call, true);
    const remove = once(() => this.#remove(pod));
    try {
      await this.#handOver("task.create", call, pod, input, { onResult, onError: remove });
    } finally {
      if (!isKept) await remove();
    }
  }

  /** The pod of a VM that stays ends by itself; the one of a command is removed with the answer. */
  async #runVm(name: "vm.create" | "vm.run", call: BridgeCall, input: Fields): Promise<void> {
    const longest = numberOf(input["timeout_seconds"], limits.defaultTimeoutSeconds);
    const seconds = name === "vm.run" ? longest : numberOf(input["ttl_seconds"], 600);
    const request = { kind: "run" as const, ...sizeOf(input), deadlineSeconds: seconds + RUN_SECONDS, taskName: null };
    if (name === "vm.run") return this.#inOwnPod(name, call, input, request);
    const pod = await this.#start(request, call, false);
    await this.#handOver(name, call, pod, input, null);
  }

  async #inOwnPod(name: OperationName, call: BridgeCall, input: Fields, request: PodRequest): Promise<void> {
    const ready = name === "vm.run" ? await this.#pods.takeReady(request) : null;
    const pod = ready ?? (await this.#start(request, call, streams(name)));
    const remove = once(() => this.#remove(pod));
    try {
      await this.#handOver(name, call, pod, input, {
        onResult: async (result) => (await remove(), result),
        onError: remove,
      });
    } finally {
      await remove();
    }
  }

  #start(request: PodRequest, call: BridgeCall, tells: boolean): Promise<string> {
    return this.#pods.start(request, call.signal, teller(call, tells));
  }

  async #handOver(name: OperationName, call: BridgeCall, pod: string, input: Fields, watcher: Watcher | null) {
    const { daemon, head } = await this.#upgrade(name, call, pod);
    if (call.signal.aborted) daemon.destroy();
    call.signal.throwIfAborted();
    await call.handOver(daemon, head, input, watcher);
  }

  /** A task whose volume has outlived its pod gets a pod again. */
  async #upgrade(name: OperationName, call: BridgeCall, pod: string): Promise<Upgraded> {
    try {
      return await this.#daemons.upgrade(pod, name, call.headers);
    } catch (error) {
      if (withoutRevival.includes(name)) throw error;
      if (!(await this.#pods.revive(pod, call.signal, teller(call, streams(name))))) throw error;
      return this.#daemons.upgrade(pod, name, call.headers);
    }
  }

  /** Ports of this machine are the bridge's, so the daemon gets the input without them. */
  async #workOnPorts(name: OperationName, call: BridgeCall, pod: string, input: Fields): Promise<void> {
    const prepared = await this.#ports.prepare(name, input);
    const onResult = (result: unknown) => this.#ports.show(name, input, result);
    await this.#handOver(name, call, pod, prepared, { onResult });
  }

  /** The work of the bridge on a result; null when it has none. */
  #observe(name: OperationName, pod: string): Watcher | null {
    if (name === "vm.delete") return { onResult: async (result) => (await this.#remove(pod), result) };
    if (name !== "task.fork") return null;
    const onResult = async (result: unknown) => {
      const { tasks } = result as { readonly tasks: readonly Task[] };
      // A pod with very many forks has no room for all of them; they are listed while it runs.
      await this.#pods.record(pod, Object.fromEntries(tasks.map((task) => [task.task_id, task]))).catch(() => {});
      return result;
    };
    return { onResult };
  }

  /** The status of a task whose pod has ended, or is gone, is its record. */
  async #showTask(call: BridgeCall, pod: string, input: Fields): Promise<void> {
    const given = input["task_id"];
    try {
      await this.#workOnPorts("task.status", call, pod, input);
    } catch (error) {
      const found = await this.#pods.find(pod).catch(() => undefined);
      const holder = found === null ? await this.#pods.findClaim(pod).catch(() => null) : found;
      const task = holder && readTasks(holder).find(({ task_id, name }) => given === task_id || given === name);
      const state = found ? stateOf(found) : null;
      if (!task || (state !== null && state.is !== "ended")) throw error;
      call.answer(asFailed(task, state === null ? explainClaim(holder) : state.why));
    }
  }

  async #remove(pod: string): Promise<void> {
    // It ends by itself otherwise, and is swept.
    await this.#pods.remove(pod).catch(() => {});
  }

  #sweep(): void {
    if (performance.now() - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = performance.now();
    sweep(this.#pods).catch(() => {});
  }
}

/** Does the work when it is first asked for; further askers wait for the same. */
function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | null = null;
  return () => (begun ??= work());
}

/** Whether a caller of the operation gets events. */
function streams(name: OperationName): boolean {
  return readContract().operations.find((each) => each.name === name)?.streams === true;
}

function teller(call: BridgeCall, tells: boolean): (why: string) => void {
  return (why) => {
    if (tells) call.emit({ event: "progress", phase: "pod", message: `Waiting for the pod: ${why}.` });
  };
}

function sizeOf(input: Fields) {
  return {
    vcpuCount: numberOf(input["vcpu_count"], 1),
    memMib: numberOf(input["mem_mib"], 1_024),
    diskMib: numberOf(input["disk_mib"], 10_240),
  };
}

function question(): PodRequest {
  return { kind: "call", ...QUESTION, deadlineSeconds: RUN_SECONDS, taskName: null };
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function notHere(name: OperationName): PyroError {
  const hints = {
    vm: "Pods end by themselves when their tasks have expired.",
    task: "Ports of pods are not published.",
  };
  const hint =
    hints[name.split(".")[0] as keyof typeof hints] ??
    "Environments and the toolchain are part of the image that the context names: build another image, or mount a volume with them (docs/kubernetes.md).";
  return new PyroError("FAILED_PRECONDITION", `A context of Kubernetes has no ${name}.`, {
    hint,
    details: { operation: name },
  });
}

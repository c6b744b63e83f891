import type { FoundMachine } from "../../backend/backend.js";
import type { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Call } from "../call.js";
import { explainTreeRefusal } from "../files/refusal.js";
import type { Activity } from "./activity.js";
import { startTask } from "./branches/start.js";
import { isResumable, type TaskUse } from "./moves.js";
import { readFromDisk } from "./read-from-disk.js";
import type { TaskVm } from "./task-vm.js";

/** Work on the files of a task, through the agent of its VM. */
export type OnFiles<T> = (channel: Channel, signal: AbortSignal) => Promise<T>;

/** The callers that work in a task. Their work counts as use of the task, and ends when they cancel or the task is deleted. */
export class Callers {
  readonly #vm: TaskVm;
  readonly #activity: Activity;
  readonly #answers = new Set<Promise<unknown>>();
  readonly #deleted = new AbortController();

  constructor(vm: TaskVm, activity: Activity) {
    this.#vm = vm;
    this.#activity = activity;
  }

  /** Aborted when the task is deleted. */
  get deleted(): AbortSignal {
    return this.#deleted.signal;
  }

  /** Registers an answer, so that a delete waits until the caller has it. */
  async during<T>(answer: Promise<T>): Promise<T> {
    this.#answers.add(answer);
    try {
      return await answer;
    } finally {
      this.#answers.delete(answer);
    }
  }

  /** Ends all work with this reason. Resolves when each caller has its answer. */
  async end(reason: PyroError): Promise<void> {
    this.#deleted.abort(reason);
    await Promise.allSettled(this.#answers);
  }

  /** Calls `work` with the VM at a moment in which it takes commands. Starts a stopped task first. */
  async use<T>(use: TaskUse, call: Call, work: (machine: FoundMachine) => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#vm.still) await abortable(this.#vm.still, call.signal);
      else if (isResumable(this.#vm.record)) await this.changeVm(call, startTask);
      else return work(this.#vm.assertPresent(use));
    }
  }

  /** The same for work that takes long: a delete of the task ends it, and the task does not expire meanwhile. */
  work<T>(use: TaskUse, caller: Call, work: (machine: FoundMachine, call: Call) => Promise<T>): Promise<T> {
    return this.#untilDeleted(caller, (call) =>
      this.use(use, call, (machine) => this.#activity.during(() => work(machine, call))),
    );
  }

  /** Changes the VM of the task. */
  changeVm<T>(caller: Call, change: (vm: TaskVm, call: Call) => Promise<T>): Promise<T> {
    return this.#untilDeleted(caller, (call) => this.#activity.during(() => change(this.#vm, call)));
  }

  /** Works on the files of the task when its VM has answered. Throws FAILED_PRECONDITION when the task is not started. */
  onFiles<T>(caller: Call, work: OnFiles<T>): Promise<T> {
    return this.#explained(caller, (call) => this.#inVm(call, work));
  }

  /** The same for work that changes nothing: the files of a task without a VM are read from its disk. */
  readFiles<T>(caller: Call, work: OnFiles<T>): Promise<T> {
    return this.#explained(caller, (call) =>
      this.#activity.during(async () => {
        const reading = await readFromDisk(this.#vm, call.signal, (channel) => work(channel, call.signal));
        return reading === null ? this.#inVm(call, work) : reading.result;
      }),
    );
  }

  #inVm<T>(call: Call, work: OnFiles<T>): Promise<T> {
    return this.use("files", call, ({ ready }) =>
      this.#activity.during(async () => {
        const { channel } = await abortable(ready, call.signal);
        return work(channel, call.signal);
      }),
    );
  }

  /** Throws an error that names the path when the guest refuses. */
  #explained<T>(caller: Call, work: (call: Call) => Promise<T>): Promise<T> {
    return this.#untilDeleted(caller, async (call) => {
      try {
        return await work(call);
      } catch (error) {
        call.signal.throwIfAborted();
        throw explainTreeRefusal(error);
      }
    });
  }

  async #untilDeleted<T>(caller: Call, work: (call: Call) => Promise<T>): Promise<T> {
    using until = new JoinedController([caller.signal, this.deleted]);
    return await work({ ...caller, signal: until.signal });
  }
}

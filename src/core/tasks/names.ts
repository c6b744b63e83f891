import { PyroError } from "../../contract/errors.js";
import { isTaskId } from "../../store/layout.js";

/** The names of tasks: each name belongs to one task. */
export class TaskNames {
  readonly #ownerOf: (name: string) => string | undefined;
  /** Names of tasks that are being created. */
  readonly #underWay = new Set<string>();

  constructor(ownerOf: (name: string) => string | undefined) {
    this.#ownerOf = ownerOf;
  }

  /** Keeps names for tasks that the work creates. Throws ALREADY_EXISTS for the first that is taken. */
  async during<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const taken = names.find((name) => this.#underWay.has(name) || this.#ownerOf(name) !== undefined);
    if (taken !== undefined) throw nameTaken(taken, this.#ownerOf(taken));
    for (const name of names) this.#underWay.add(name);
    try {
      return await work();
    } finally {
      for (const name of names) this.#underWay.delete(name);
    }
  }
}

export function noTask(taskId: string): PyroError {
  const details = isTaskId(taskId) ? { task_id: taskId } : {};
  return new PyroError("NOT_FOUND", `There is no task ${taskId}.`, { hint: "See `pyro task list`.", details });
}

function nameTaken(name: string, taskId: string | undefined): PyroError {
  const whose = taskId === undefined ? "a task that is being created" : `task ${taskId}`;
  return new PyroError("ALREADY_EXISTS", `The name ${name} is taken by ${whose}.`, {
    hint: "Choose another name, or delete that task.",
    details: { name, ...(taskId === undefined ? {} : { task_id: taskId }) },
  });
}

import { PyroError } from "../../contract/errors.js";
import { abortable } from "../../host/abortable.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Call } from "../call.js";
import { Turns } from "../lifecycle/turns.js";
import type { ExecRole } from "./start-exec.js";
import type { TaskExec } from "./task-exec.js";
import type { TaskExecs } from "./task-execs.js";

type Start = (input: InputOf<"task.exec">, call: Call, stdin: null, role: ExecRole) => Promise<TaskExec>;
type ShellView = ResultOf<"task.shell.list">["shells"][number];

const DEFAULT_COMMAND = "if command -v bash >/dev/null; then exec bash; else exec sh; fi";
/** How long a shell may take to end after its terminal was hung up. */
const HANG_UP_GRACE_MS = 2_000;

/** The shells of one task: commands with a terminal and a name. */
export class Shells {
  readonly #taskId: string;
  readonly #execs: TaskExecs;
  readonly #start: Start;
  /** One start at a time. */
  readonly #starts = new Turns();

  constructor(taskId: string, execs: TaskExecs, start: Start) {
    this.#taskId = taskId;
    this.#execs = execs;
    this.#start = start;
  }

  /** The shells that run; with `all` also the last one of each name that has ended. */
  list(all: boolean): ShellView[] {
    const byName = new Map<string, TaskExec>();
    for (const exec of this.#execs.all) if (exec.started.shell !== undefined) byName.set(exec.started.shell, exec);
    return [...byName.values()].filter(({ isRunning }) => all || isRunning).map(viewShell);
  }

  /** The shell of a name that runs, or else a new one. */
  open(input: InputOf<"task.shell.open">, call: Call): Promise<{ readonly exec: TaskExec; readonly created: boolean }> {
    return this.#starts.take(call.signal, async () => {
      const present = this.#all(input.name).find(({ isRunning }) => isRunning);
      if (present) return { exec: present, created: false };
      const { task_id, cwd, rows, cols, name } = input;
      const command = lineOf(input.command);
      const env = { TERM: "xterm-256color", ...input.env };
      const plain = { background: true, interleaved: false, tty: true };
      const exec = await this.#start({ task_id, command, cwd, env, rows, cols, ...plain }, call, null, { shell: name });
      await exec.recorded;
      return { exec, created: true };
    });
  }

  /** The shell of a name that runs. Throws NOT_FOUND. */
  find(name: string): TaskExec {
    const shells = this.#all(name);
    const running = shells.find(({ isRunning }) => isRunning);
    if (running) return running;
    const last = shells.at(-1);
    const what = last ? `shell ${name} of task ${this.#taskId} has ended` : `task ${this.#taskId} has no shell ${name}`;
    throw new PyroError("NOT_FOUND", `${what[0]!.toUpperCase()}${what.slice(1)}.`, {
      hint: `Open it with \`pyro task shell ${this.#taskId} --name ${name}\`.`,
      details: { task_id: this.#taskId, name, ...(last && { sequence: last.started.sequence }) },
    });
  }

  #all(name: string): TaskExec[] {
    return this.#execs.all.filter(({ started }) => started.shell === name);
  }
}

/** The daemon has joined a list of words before. */
function lineOf(command: string | readonly string[] = DEFAULT_COMMAND): string {
  return String(command);
}

export function viewShell({ started, terminal, isRunning }: TaskExec): ShellView {
  const { shell = "", sequence, command, started_at } = started;
  const { rows, cols } = terminal?.size ?? { rows: 24, cols: 80 };
  return { name: shell, sequence, state: isRunning ? "running" : "ended", command, rows, cols, started_at };
}

/** Types a text; a newline is the Enter key. Resolves when the guest takes more. */
export async function typeText({ terminal }: TaskExec, text: string, { signal }: Call): Promise<number> {
  const bytes = Buffer.from(text.replaceAll(/\r?\n/g, "\r"));
  if (terminal) await abortable(terminal.type(bytes), signal);
  return bytes.length;
}

/** Hangs up; kills what has not ended after a grace. */
export async function closeShell(exec: TaskExec): Promise<void> {
  await exec.signal("HUP").catch(() => {});
  const timer = setTimeout(() => exec.kill(), HANG_UP_GRACE_MS);
  await exec.done;
  clearTimeout(timer);
}

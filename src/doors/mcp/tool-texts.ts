/** What a model is told of a tool beyond its schemas, and what a client may conclude from its name. */
export interface ToolText {
  readonly title: string;
  readonly description: string;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

type Kind = "reads" | "creates" | "runs" | "removes" | "stops";

/**
 * A command in a VM destroys nothing of the user's, whatever it does: that is what the VM is for. It may reach the world
 * outside when it was given a network.
 */
const kinds: Record<Kind, ToolText["annotations"]> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  creates: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  runs: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  removes: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  stops: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
};

const text = (kind: Kind, title: string, description: string): ToolText => ({
  title,
  description,
  annotations: kinds[kind],
});

const texts: Readonly<Record<string, ToolText>> = {
  vm_run: text(
    "runs",
    "Run a command in a fresh VM",
    "First choice for running anything once: a shell command, a script, untrusted code. Starts a new Linux VM (under a second), runs the command as root in /workspace, returns exit_code, stdout and stderr, and removes the VM with all it wrote. " +
      "A non-zero exit_code is a result, not an error. A missing environment is built first, which takes a minute. It cannot be continued: when your client gives up waiting, often after 60 s, the command is killed. For several steps on the same files, or more than 30 s, use task_create and task_exec.",
  ),
  vm_list_environments: text(
    "reads",
    "List environments",
    "Which Linux environments VMs can start from, and what is installed in them. debian:12 suits most work.",
  ),
  task_create: text(
    "creates",
    "Create a task",
    "Starts a VM that stays, with a /workspace that every command shares. Use it for work of several steps; returns the task_id for the other task_ tools. source_path (absolute) fills it with a directory of this machine. Delete it when you are done.",
  ),
  task_exec: text(
    "runs",
    "Run a command in a task",
    "Runs a shell command in the task's /workspace and returns its output. Files stay for the next command; variables and the directory do not. " +
      "For servers, builds and whatever may take over 30 s set background: true, which has no time-out unless you give one; you get the sequence at once and read with task_exec_output. A command that takes over 45 s is answered with state running and goes on: do the same.",
  ),
  task_exec_output: text(
    "reads",
    "Read a command's output",
    "Reads what a command has written, from the offsets on: pass next_stdout_offset and next_stderr_offset of the last answer to go on, until complete is true. Set wait_seconds (at most 45 s are waited) to wait for more; wait_for: end waits until it has ended.",
  ),
  task_exec_signal: text(
    "stops",
    "Signal a command",
    "Sends a signal to a running command of a task and all it started, for example to stop a server. KILL if TERM does not help.",
  ),
  task_sync_push: text(
    "runs",
    "Push files into a task",
    "Copies a directory, file or tar archive of this machine into the task's workspace, over what is there: use it after you changed files here. All or nothing. source_path should be absolute.",
  ),
  task_list: text("reads", "List tasks", "All tasks with their state, also those of other sessions."),
  task_status: text("reads", "Show a task", "State, resources, expiry and last command of one task."),
  task_logs: text(
    "reads",
    "Show a task's history",
    "Every command of a task with its exit_code and the beginning and end of its output, also when the VM has died. For one command's whole output use task_exec_output.",
  ),
  task_delete: text(
    "removes",
    "Delete a task",
    "Removes a task with its VM, files and logs; running commands are killed. Cannot be undone.",
  ),
  vm_create: text(
    "creates",
    "Set a VM up",
    "Step 1 of running one command in a VM by hand: prepares a VM; then vm_start, then vm_exec. Prefer vm_run.",
  ),
  vm_start: text("creates", "Start a VM", "Step 2: boots a VM made by vm_create."),
  vm_exec: text(
    "runs",
    "Run a VM's one command",
    "Step 3: runs one command in a started VM, then removes the VM. For more commands use a task.",
  ),
  vm_stop: text("stops", "Stop a VM", "Ends a VM made by vm_create; it cannot be started again."),
  vm_delete: text("removes", "Delete a VM", "Removes a VM made by vm_create."),
  vm_status: text("reads", "Show a VM", "State and expiry of a VM made by vm_create."),
  vm_network_info: text("reads", "Show a VM's network", "Addresses, policy and refusals of a VM with a network."),
  vm_reap_expired: text("removes", "Remove what expired", "Removes VMs and tasks whose time to live is over."),
};

/** The text of a tool; one that has none of its own is introduced by what its operation does. */
export function textOf(tool: string, summary: string): ToolText {
  return texts[tool] ?? text("stops", summary, `${summary}.`);
}

/** Instructions that a client may give its model: when to use which tool. */
export const instructions = `pyro runs commands in real Linux virtual machines that may be broken: nothing in them touches this machine.
One command: vm_run. Several steps on the same files: task_create, then task_exec; files stay, each command starts anew in /workspace.
Over 30 s, servers, builds: task_exec with background: true, then task_exec_output with wait_seconds.
A failed command is a result with its exit_code. A tool error names its code and the next step. Delete a task when the work is done.`;

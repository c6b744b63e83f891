import type { Client } from "../../client/client.js";
import { untilDetached } from "../../client/shell/keys.js";
import { drawScreen } from "../../client/shell/recorded.js";
import { followTerminal } from "../../client/task-exec.js";
import { openTerminal, terminalEnv, type OwnTerminal } from "../../client/terminal.js";
import type { OperationEvent } from "../../contract/operation.js";
import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { interruptible, type Interruption } from "./interruption.js";
import { openOutput } from "./output.js";

type ShellInput = ArgumentsOf<"task.shell.attach"> & { readonly view?: boolean };
type Opened = ResultOf<"task.shell.open">;

/** `pyro task shell`: connects this terminal to a shell until it ends, or the user detaches. Returns its exit status, 0 for a detach. */
export function taskShell(client: Client, { view = false, ...input }: ShellInput, json: boolean): Promise<number> {
  if (json) {
    throw new PyroError("INVALID_ARGUMENT", "`pyro task shell` needs a terminal, and has no --json.", {
      hint: "Use `pyro task exec` for a command with --json.",
    });
  }
  const terminal = openTerminal();
  return interruptible(false, (interruption) => attach(client, input, { terminal, view, interruption })).finally(
    terminal.close,
  );
}

interface Attaching {
  readonly terminal: OwnTerminal;
  readonly view: boolean;
  readonly interruption: Interruption;
}

async function attach(
  client: Client,
  input: ArgumentsOf<"task.shell.attach">,
  { terminal, view, interruption }: Attaching,
): Promise<number> {
  const env = { ...terminalEnv(process.env), ...input.env };
  const shell = await client.call("task.shell.open", { ...input, ...terminal.size(), env });
  const how = view ? "Ctrl-C ends the view" : "Ctrl-\\ twice detaches";
  process.stderr.write(`[Shell ${shell.name} of ${shell.task_id}: ${how}.]\n`);
  const write = openOutput(interruption);
  const offset = shell.created ? 0 : await repaint(client, shell, terminal, write);
  const detaching = new AbortController();
  const detach = () => detaching.abort();
  for (const signal of [terminal.hungUp, interruption.signal]) signal.addEventListener("abort", detach);
  const onEvent = async (event: OperationEvent) => {
    if (event.event !== "stdout" && event.event !== "stderr") return;
    terminal.add(event.data);
    await write(event.event, event.data);
  };
  const { sequence, task_id } = shell;
  const typing = view ? {} : { stdin: untilDetached(terminal.source, detach), terminal };
  try {
    const place = { task_id, sequence, offset, keyboard: !view };
    const ended = await followTerminal(client, place, { onEvent, detachSignal: detaching.signal, ...typing });
    return ended.exit_code ?? 125;
  } catch (error) {
    if (!detaching.signal.aborted) throw error;
    terminal.close();
    process.stderr.write(`\n[Detached. The shell runs on: pyro task shell ${task_id} --name ${shell.name}]\n`);
    return 0;
  }
}

/** Draws the shell's screen. Returns the offset up to which it is drawn. */
async function repaint(
  client: Client,
  shell: Opened,
  terminal: OwnTerminal,
  write: ReturnType<typeof openOutput>,
): Promise<number> {
  const { screen, offset } = await drawScreen(client, shell.task_id, shell);
  const drawn = Buffer.from(screen.drawn.repaint);
  screen.close();
  terminal.add(drawn);
  await write("stdout", drawn);
  return offset;
}

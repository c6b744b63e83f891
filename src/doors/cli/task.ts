import type { ResultOf } from "../../contract/operations.js";
import { printable } from "./printable.js";
import { renderBytes, renderMib, renderShort } from "./size.js";

type Task = ResultOf<"task.status">;

/** One task, one line per fact. */
export function renderTask(task: Task, now: number): string {
  const { last_command: last, workspace_seed: seed, last_push: push } = task;
  const lines = [
    `Task: ${task.task_id}`,
    ...(task.name === null ? [] : [`Name: ${task.name}`]),
    ...renderWords(
      "Labels",
      Object.entries(task.labels).map((pair) => pair.join("=")),
    ),
    `Environment: ${task.environment}`,
    `State: ${task.state}${task.state_reason ? ` (${task.state_reason})` : ""}`,
    ...renderRestored(task.restored),
    ...renderAutomatic(task.automatic_snapshot),
    `Workspace: ${task.workspace_path}`,
    `Execution mode: ${task.execution_mode}${task.accelerator ? ` (${task.accelerator})` : ""}`,
    `Resources: ${task.vcpu_count} vCPU / ${task.mem_mib} MiB`,
    ...(task.memory_bytes === null
      ? []
      : [
          `In use: ${renderMib(task.memory_bytes)} memory${renderReserved(task)}, ${renderMib(task.disk_bytes ?? 0)} disk`,
        ]),
    ...renderNetwork(task.network),
    ...renderWords("Variables", task.env_names),
    ...(task.forked_from === null
      ? []
      : [`Forked from: ${task.forked_from.snapshot_id ?? task.forked_from.task_id} at ${task.forked_from.at}`]),
    `Created: ${task.created_at} (${renderDuration(now - Date.parse(task.created_at))} ago)`,
    `Expires: ${task.expires_at === null ? "never" : `${task.expires_at} (${renderExpiry(task, now)})`}`,
    `Seeded from: ${seed.source_path === null ? "nothing" : `${seed.source_path} (${renderImported(seed)})`}`,
    ...(push === null
      ? []
      : [`Last push: ${push.pushed_at} from ${push.source_path} to ${push.destination} (${renderImported(push)})`]),
    ...renderWords(
      "Services",
      task.services.map(({ name, state }) => `${name}=${state}`),
    ),
    `Command count: ${task.command_count}`,
    ...(task.timeout_seconds === null ? [] : [`Time-out of commands: ${task.timeout_seconds} s`]),
    last
      ? `Last command: ${last.command} (exit_code=${last.exit_code ?? "none"}${last.timed_out ? ", timed out" : ""}${last.oom_killed ? ", out of memory" : ""})`
      : "Last command: none",
  ];
  return `${lines.join("\n")}\n`;
}

function renderRestored(restored: Task["restored"]): string[] {
  if (restored === null) return [];
  return [`Restored: at ${restored.at} from its automatic snapshot of ${restored.snapshot_at} (${restored.reason})`];
}

function renderAutomatic(automatic: Task["automatic_snapshot"]): string[] {
  if (automatic === null) return [];
  const { every_seconds, snapshot_id, created_at, error } = automatic;
  const last = snapshot_id === null ? "none yet" : `${snapshot_id} of ${created_at}`;
  return [`Automatic snapshots: every ${every_seconds} s, ${last}${error === null ? "" : ` (failed since: ${error})`}`];
}

function renderReserved({ memory_reserved_mib: mib }: Task): string {
  return mib === null ? "" : ` of at most ${mib} MiB`;
}

/** The caller chose these texts, so control characters are escaped. */
function renderWords(title: string, words: readonly string[]): string[] {
  return words.length === 0 ? [] : [`${title}: ${words.map(printable).join(" ")}`];
}

function renderImported({
  entry_count,
  bytes_written,
}: Pick<Task["workspace_seed"], "entry_count" | "bytes_written">): string {
  return `${entry_count === 1 ? "1 entry" : `${entry_count} entries`}, ${renderBytes(bytes_written)}`;
}

/** A task does not expire while its commands run. */
function renderExpiry({ expires_at, running_commands }: Task, now: number): string {
  const leftMs = Date.parse(expires_at ?? "") - now;
  if (leftMs > 0) return `in ${renderDuration(leftMs)}`;
  return running_commands > 0 ? "once its commands have ended" : "now";
}

function renderNetwork(network: Task["network"]): string[] {
  if (network === null) return [];
  const { state, addresses, routes, policy, counters, last_refused } = network;
  if (state === "down") return ["Network: down (the gate process has ended; no packet gets in or out)"];
  const refused = last_refused.map(({ protocol, address, port, name }) =>
    protocol === "dns" ? `name ${name}` : `${protocol} ${address} port ${port}${name ? ` (${name})` : ""}`,
  );
  return [
    `Network: up, ${addresses.join(" ")} via ${routes.map(({ gateway }) => gateway).join(" ")}`,
    ...(policy.default === "names" ? [`Only these names: ${policy.allow_hosts.join(" ")}`] : []),
    ...(policy.allow.length === 0 ? [] : [`Also open: ${policy.allow.join(" ")}`]),
    ...(policy.deny.length === 0 ? [] : [`Also closed: ${policy.deny.join(" ")}`]),
    ...policy.forwards.map(({ gateway_port, to }) => `Forward: port ${gateway_port} of the gateway to ${to}`),
    ...(counters === null
      ? []
      : [`Traffic: ${renderBytes(counters.sent_bytes)} sent, ${renderBytes(counters.received_bytes)} received`]),
    ...(counters === null
      ? []
      : [`Refused: ${counters.refused}${refused.length ? `, last ${refused.join(", ")}` : ""}`]),
  ];
}

const COLUMNS = ["TASK", "NAME", "ENV", "STATE", "AGE", "EXPIRES", "MEM", "DISK", "COMMAND"] as const;
const WIDTH = 80;
/** Maximum width of a name, which leaves space for the command. */
const NAME_WIDTH = 16;

/** Tasks as a table that fits 80 columns: the last command is cut, never an id. */
export function renderTasks(tasks: readonly Task[], now: number): string {
  if (tasks.length === 0) return "There are no tasks.\n";
  const hasNames = tasks.some(({ name }) => name !== null);
  const rows = [COLUMNS, ...tasks.map((task) => renderRow(task, now))].map((row) =>
    row.filter((_, column) => hasNames || COLUMNS[column] !== "NAME"),
  );
  return renderTable(rows, WIDTH);
}

/** Rows in columns; the last cell of a row is cut where a width is given. */
export function renderTable(rows: readonly (readonly string[])[], width = Infinity): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => {
    const line = row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join("  ");
    return (line.length > width ? `${line.slice(0, width - 1)}…` : line).trimEnd();
  });
  return `${lines.join("\n")}\n`;
}

/** How long ago a moment was. */
export function renderAge(moment: string, now: number): string {
  return renderDuration(now - Date.parse(moment));
}

function renderRow(task: Task, now: number): string[] {
  const age = renderAge(task.created_at, now);
  const expires = task.expires_at === null ? "never" : renderDuration(Date.parse(task.expires_at) - now);
  const [memory, disk] = [task.memory_bytes, task.disk_bytes].map((bytes) =>
    bytes === null ? "-" : renderShort(bytes),
  );
  const last = task.last_command?.command.replaceAll(/\s+/g, " ") ?? "";
  const name = task.name ?? "";
  const shown = name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name;
  return [task.task_id, shown, task.environment, task.state, age, expires, memory!, disk!, last];
}

/** A duration in its largest unit, rounded down: 90 seconds are 1m. */
function renderDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const NEWLINE = 10;

/** The output of a task's commands as on a terminal, each after a line that names the command. */
export function renderLogs({ entries }: ResultOf<"task.logs">): Uint8Array {
  const parts = entries.flatMap((entry) => {
    const how =
      entry.state === "running" ? "running" : (entry.error?.message ?? `exit_code=${entry.exit_code ?? "none"}`);
    const flags = [
      entry.timed_out && "timed out",
      entry.aborted && "aborted",
      entry.oom_killed && "out of memory",
      entry.restored?.undone && `undone by the restore at ${entry.restored.at}`,
    ]
      .filter(Boolean)
      .map((flag) => `, ${flag}`);
    const head = `# ${entry.sequence}  ${entry.started_at}  ${how}${flags.join("")}  ${entry.command}`;
    const inTurns = (["stdout", "stderr"] as const).map((stream) => ({ stream, text: entry[stream] }));
    const output = (entry.interleaved ?? inTurns).map(({ stream, text }) =>
      Buffer.from(text, entry[`${stream}_encoding`]),
    );
    const shown = entry.interleaved ? [Buffer.concat(output)] : output;
    return [Buffer.from(head), ...shown].filter((bytes) => bytes.length > 0).flatMap(withNewline);
  });
  return Buffer.concat(parts.length > 0 ? parts : [Buffer.from("No command has run in this task.\n")]);
}

function withNewline(bytes: Buffer): Buffer[] {
  return bytes.at(-1) === NEWLINE ? [bytes] : [bytes, Buffer.of(NEWLINE)];
}

import type { CallToolResult } from "@modelcontextprotocol/server";

import { renderShell } from "./shell.js";
import { renderServices } from "./services.js";
import { renderSnapshots } from "./snapshots.js";
import { renderVariants } from "./variants.js";

type Fields = Readonly<Record<string, unknown>>;

/** A result as a short text: outcome, then output. It has the same facts as the structured content. */
export function renderResult(tool: string, result: Fields): string {
  const lists: Readonly<Record<string, () => string>> = {
    task_file_list: () => renderFiles(result),
    task_file_edit: () => `Replaced ${String(result["replaced"])}.\n${String(result["text"])}`,
    vm_list_environments: () => renderEnvironments(result["environments"] as Fields[]),
    task_fork: () => renderTasks(result["tasks"] as Fields[]),
    task_shell: () => renderShell(result),
    task_snapshot: () => renderSnapshots(result),
    task_service: () => renderServices(result),
    task_try: () => renderVariants(result),
    task_list: () => renderTasks(result["tasks"] as Fields[]),
    task_logs: () => renderEntries(result["entries"] as Fields[], Number(result["count"])),
  };
  const render = lists[tool];
  if (render) return render();
  return "stdout" in result ? renderCommand(result) : renderFields(result);
}

/** A file in the form for a model: its lines, or an image. */
export function renderContent(tool: string, result: Fields): CallToolResult["content"] {
  const { image, text, next_line: next } = result as unknown as FileView;
  if (tool !== "task_file_read") return [{ type: "text", text: renderResult(tool, result) }];
  if (image) return [{ type: "image", data: image.data, mimeType: image.mime_type }];
  const shown = text === "" ? "(the file is empty)" : text;
  return [
    { type: "text", text: next === null ? shown : `${shown}\n[There are more lines: go on with offset ${next}.]` },
  ];
}

interface FileView {
  readonly text: string;
  readonly next_line: number | null;
  readonly image: { readonly data: string; readonly mime_type: string } | null;
}

function renderFiles({ entries, next_after }: Fields): string {
  const lines = (entries as Fields[]).map(({ path, type, size_bytes, target }) => {
    const what = type === "file" ? `${String(size_bytes)} bytes` : String(type);
    return `${String(path)} (${what}${target === null ? "" : ` to ${String(target)}`})`;
  });
  const more = next_after === null ? [] : [`There are more: go on with after ${JSON.stringify(next_after)}.`];
  return lines.length === 0 ? "It is empty." : [...lines, ...more].join("\n");
}

function renderCommand(result: Fields): string {
  const next = renderNext(result);
  const memory = result["oom_killed"] === true ? [renderOutOfMemory(result)] : [];
  const parts = [
    renderOutcome(result),
    ...renderRestored(result),
    ...renderStreams(result),
    ...memory,
    ...(next === null ? [] : [next]),
  ];
  return parts.join("\n");
}

/** One line: the command's number and its outcome. */
function renderOutcome(result: Fields): string {
  const { task_id, sequence, state, exit_code, duration_ms, timed_out, aborted, execution_mode } = result;
  const error = result["error"] as { code: string; message: string } | null | undefined;
  const name = sequence === undefined ? "" : `Command ${String(sequence)} of ${String(task_id)}: `;
  const took = `after ${Number(duration_ms) / 1000} s`;
  const how = error
    ? `failed ${took}: ${error.code}: ${error.message}`
    : state === "running"
      ? `running, ${Number(duration_ms) / 1000} s so far`
      : timed_out
        ? `killed by its time-out ${took}, exit_code ${String(exit_code)}`
        : aborted
          ? `aborted ${took}, exit_code ${String(exit_code)}`
          : `exit_code ${String(exit_code)} ${took}`;
  return `${name}${how}${execution_mode === "host_compat" ? " (host_compat: not in a VM)" : ""}`;
}

function renderStreams(result: Fields): string[] {
  const streams = (["stdout", "stderr"] as const).flatMap((name) => {
    const text = String(result[name]);
    const gone = Number(result[`${name}_omitted_bytes`] ?? 0);
    const isGap = gone > 0 && !(`${name}_truncated` in result);
    const gap = isGap ? `[${gone} bytes before this were lost: they are no longer kept]\n` : "";
    const how = renderEncoding(result[`${name}_encoding`], text, isGap ? 0 : gone);
    const title = how === null ? name : `${name} (${how})`;
    return text === "" && gap === "" ? [] : [`${title}:\n${gap}${text.replace(/\n$/, "")}`];
  });
  return streams.length > 0 ? streams : ["(no output)"];
}

/** Describes a stream of binary data and how much of it is shown, or a text with replaced bytes. Null for plain text. */
function renderEncoding(encoding: unknown, text: string, omittedBytes: number): string | null {
  if (encoding === undefined || encoding === "utf-8") return null;
  if (encoding !== "base64") return String(encoding);
  const shown = Buffer.byteLength(text, "base64");
  return `binary, base64, ${omittedBytes > 0 ? `${shown} of ${shown + omittedBytes}` : shown} bytes`;
}

/** The next step, if it is not obvious. */
function renderNext(result: Fields): string | null {
  const { state, sequence, timed_out, complete } = result;
  if (complete === false) return renderPlace(result);
  if (state === "running")
    return `The command continues. Read it with task_exec_output (sequence ${String(sequence)}, wait_seconds 45), end it with task_exec_signal.`;
  if (!timed_out) return null;
  const emulated =
    result["accelerator"] === "tcg"
      ? "The CPU of this VM is emulated (no KVM on this host), so commands take several times as long. "
      : "";
  return sequence === undefined
    ? `${emulated}For longer work raise timeout_seconds, or use a task and background: true.`
    : `${emulated}For longer work raise timeout_seconds (task_create takes one for all commands), or set background: true.`;
}

function renderRestored({ restored }: Fields): string[] {
  if (!restored) return [];
  const { at, snapshot_at, reason, undone } = restored as Record<string, unknown>;
  const lost = undone === true ? "The changes of this command are lost" : "Everything since then is lost";
  return [
    `The task was restored at ${String(at)} from its automatic snapshot of ${String(snapshot_at)}: ${String(reason)}. ${lost}.`,
  ];
}

function renderOutOfMemory({ sequence, mem_mib }: Fields): string {
  const how = sequence === undefined ? "Ask for more with mem_mib" : "Create a task with a larger mem_mib";
  return `The VM's memory of ${String(mem_mib)} MiB ran out, and the kernel killed a process of the command. ${how}.`;
}

function renderPlace({ next_stdout_offset: stdout, next_stderr_offset: stderr }: Fields): string {
  return `There may be more: continue with stdout_offset ${String(stdout)}, stderr_offset ${String(stderr)}.`;
}

function renderEnvironments(environments: readonly Fields[]): string {
  return environments
    .map(({ name, installed, description }) => {
      const state = installed ? "installed" : "not installed: the first use builds it";
      return `${String(name)} (${state}): ${String(description)}`;
    })
    .join("\n");
}

function renderTasks(tasks: readonly Fields[]): string {
  if (tasks.length === 0) return "There are no tasks.";
  return tasks
    .map((task) => {
      const last = task["last_command"] as { command: string } | null;
      const running = Number(task["running_commands"]);
      const what = last ? `, last command: ${last.command.slice(0, 80)}` : "";
      return `${String(task["task_id"])} ${String(task["state"])} (${String(task["environment"])}), ${String(task["command_count"])} commands, ${running} running${what}`;
    })
    .join("\n");
}

function renderEntries(entries: readonly Fields[], count: number): string {
  if (count === 0) return "No command has run in this task.";
  const missing = count - entries.length;
  const older = missing > 0 ? [`(${missing} older commands are not shown)`] : [];
  return [
    ...older,
    ...entries.map(
      (entry) =>
        `$ ${String(entry["command"])}\n${[renderOutcome(entry), ...renderRestored(entry), ...renderStreams(entry)].join("\n")}`,
    ),
  ].join("\n\n");
}

/** Any other result: one line per field; omits empty fields. */
function renderFields(result: Fields): string {
  return Object.entries(result)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join("\n");
}

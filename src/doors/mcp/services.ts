import { renderPlain } from "./plain-text.js";

type Fields = Readonly<Record<string, unknown>>;

/** Services with their last lines, or output of one, for a model. */
export function renderServices({ services, text, cursor }: Fields): string {
  if (services === undefined) {
    const shown = renderPlain(String(text)).replace(/\n$/, "");
    return `${shown === "" ? "(no new output)" : shown}\n[cursor ${String(cursor)}]`;
  }
  const all = services as Fields[];
  return all.length === 0 ? "The task has no services." : all.map(renderService).join("\n\n");
}

function renderService(service: Fields): string {
  const { name, state, reason, exit_code, sequence, restart_count } = service;
  const facts = [
    ...(reason === null ? [] : [String(reason)]),
    ...(exit_code === null ? [] : [`exit_code ${String(exit_code)}`]),
    ...(restart_count === 0 ? [] : [`restarted ${String(restart_count)} times`]),
  ];
  const ports = (service["ports"] as Fields[]).map(({ port, url }) => `port ${String(port)}: ${String(url)}`);
  const lines = (service["last_lines"] as string[]).map(renderPlain);
  return [
    `Service ${String(name)} (command ${String(sequence)}): ${String(state)}${facts.length === 0 ? "" : ` (${facts.join("; ")})`}`,
    ...ports,
    ...(lines.length === 0 ? [] : ["Last lines:", ...lines]),
  ].join("\n");
}

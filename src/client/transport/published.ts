import type { OperationName } from "../../contract/operations.js";

type Fields = Readonly<Record<string, unknown>>;

/** A published port in a result. */
export interface Published {
  readonly port: number;
  readonly host_port: number;
  readonly url: string;
  readonly open: boolean;
}

/** The host ports that a call asks for, by the port in the task. */
export function wantedOf(name: OperationName, input: Fields): Map<number, number> {
  if (name === "task.port.publish" && input["host_port"] !== undefined) {
    return new Map([[Number(input["port"]), Number(input["host_port"])]]);
  }
  const pairs = name === "task.service.start" && Array.isArray(input["publish"]) ? input["publish"] : [];
  return new Map(
    pairs
      .map(String)
      .filter((pair) => pair.includes(":"))
      .map(parsePair),
  );
}

function parsePair(pair: string): [number, number] {
  const [here, port] = pair.split(":");
  return [Number(port), Number(here)];
}

export function hasPorts(result: unknown): boolean {
  return JSON.stringify(result ?? null).includes('"host_port":');
}

/** Replaces the published ports in a result one by one, wherever they are; each belongs to the nearest task around it. */
export async function mapPorts(
  value: unknown,
  taskId: string,
  view: (taskId: string, shown: Published) => Promise<Published>,
): Promise<unknown> {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const all: unknown[] = [];
    for (const each of value) all.push(await mapPorts(each, taskId, view));
    return all;
  }
  const fields = value as Fields;
  const nearest = typeof fields["task_id"] === "string" ? fields["task_id"] : taskId;
  if (typeof fields["host_port"] === "number") return view(nearest, value as Published);
  const entries: [string, unknown][] = [];
  for (const [name, each] of Object.entries(fields)) entries.push([name, await mapPorts(each, nearest, view)]);
  return Object.fromEntries(entries);
}

import { Refusal } from "../answer.js";
import type { Sandbox } from "../sandbox.js";

/** A page of a list, and where the next one begins. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

const MAX_LIMIT = 100;

/** The sandboxes that a query asks for, one page of them. Throws 400. */
export function listSandboxes(all: readonly Sandbox[], query: URLSearchParams): Page<Sandbox> {
  const sign = query.get("order") === "asc" ? 1 : -1;
  const isAfter = (key: string, after: string) => (sign === 1 ? key > after : key < after);
  return pageOf(findSandboxes(all, query), keyOf, isAfter, query);
}

function keyOf({ record }: Sandbox): string {
  return `${record.startedAt} ${record.id}`;
}

/** All sandboxes that a query asks for, in its order. Throws 400. */
export function findSandboxes(all: readonly Sandbox[], query: URLSearchParams): readonly Sandbox[] {
  const states = (query.get("state") ?? "").split(",").filter((state) => state !== "");
  if (states.some((state) => state !== "running" && state !== "paused"))
    throw new Refusal(400, "state is running or paused.");
  const wanted = readMetadata(query.get("metadata"));
  const startedAfter = readTime(query.get("startedAfter"));
  const template = query.get("template");
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") throw new Refusal(400, "order is asc or desc.");
  const found = all.filter(
    ({ record, state }) =>
      (states.length === 0 || states.includes(state)) &&
      wanted.every(([key, value]) => record.metadata[key] === value) &&
      (startedAfter === null || Date.parse(record.startedAt) >= startedAfter) &&
      (template === null || record.templateId === template),
  );
  const sign = order === "asc" ? 1 : -1;
  return found.sort((a, b) => sign * (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** One page of sorted items: those after the key in the query's token. Throws 400. */
export function pageOf<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  isAfter: (key: string, after: string) => boolean,
  query: URLSearchParams,
): Page<Item> {
  const limit = readLimit(query.get("limit"));
  const token = query.get("nextToken");
  const after = token === null || token === "" ? null : Buffer.from(token, "base64url").toString("utf8");
  const rest = after === null ? items : items.filter((item) => isAfter(keyOf(item), after));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const next = rest.length > page.length && last !== undefined ? Buffer.from(keyOf(last)).toString("base64url") : null;
  return { items: page, next };
}

/** Pairs that must match. The keys and values are percent-encoded before the query is. */
function readMetadata(text: string | null): readonly (readonly [string, string])[] {
  if (text === null || text === "") return [];
  return [...new URLSearchParams(text)].map(([key, value]) => [decode(key), decode(value)] as const);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readTime(text: string | null): number | null {
  if (text === null || text === "") return null;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new Refusal(400, "startedAfter is not a time.");
  return time;
}

function readLimit(text: string | null): number {
  if (text === null || text === "") return MAX_LIMIT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new Refusal(400, "limit is a whole number from 1 on.");
  return Math.min(limit, MAX_LIMIT);
}

import { applyEdits, modify, parse as parseJsonc, type ParseError } from "jsonc-parser";
import { parse as parseToml, stringify as stringifyToml } from "smol-toml";

/** A text cannot be merged; the message has the reason. The file stays unchanged. */
export class UnmergeableError extends Error {}

type Server = Readonly<Record<string, unknown>>;
type Place = readonly [string, string];

/** Adds a server to a configuration. The rest of the text, including comments, stays unchanged. */
export function mergeServer(format: "json" | "toml", text: string, place: Place, server: Server): string {
  return format === "json" ? mergeJson(text, place, server) : mergeToml(text, place, server);
}

/** The server's entry alone, for adding it to the client's file by hand. */
export function renderServer(format: "json" | "toml", place: Place, server: Server): string {
  return mergeServer(format, "", place, server);
}

function mergeJson(text: string, place: Place, server: Server): string {
  const before = text.trim() === "" ? "{}\n" : text;
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(before, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) throw new UnmergeableError(`it is not JSON (at character ${first.offset})`);
  assertTable(value, "it is not a JSON object");
  assertTable(value[place[0]] ?? {}, `its ${place[0]} is not an object`);
  const formattingOptions = { insertSpaces: !/^\t/m.test(before), tabSize: indentOf(before), eol: "\n" };
  const merged = applyEdits(before, modify(before, [...place], server, { formattingOptions }));
  return merged.endsWith("\n") ? merged : `${merged}\n`;
}

/** Replaces the server's own tables in the text, or adds them at its end. */
function mergeToml(text: string, place: Place, server: Server): string {
  const value = readToml(text);
  assertTable(value[place[0]] ?? {}, `its ${place[0]} is not a table`);
  const [group, name] = place;
  const added = stringifyToml({ [group]: { [name]: server } }).trim();
  const kept = withoutTables(text, `${group}.${name}`).trimEnd();
  const merged = `${kept}${kept === "" ? "" : "\n\n"}${added}\n`;
  // Except for the server, the values must be unchanged. They differ if the server was written in a way that the code above does not find.
  const wanted = { ...value, [group]: { ...(value[group] as object | undefined), [name]: server } };
  if (JSON.stringify(sorted(readToml(merged))) !== JSON.stringify(sorted(wanted)))
    throw new UnmergeableError(`its ${group} has a form to which no server can be added`);
  return merged;
}

function readToml(text: string): Record<string, unknown> {
  try {
    return parseToml(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new UnmergeableError(`it is not TOML: ${reason}`, { cause: error });
  }
}

/** Removes a table and its subtables from the text, from their headers to the next other header. */
function withoutTables(text: string, name: string): string {
  let isDropping = false;
  const kept = text.split("\n").filter((line) => {
    const head = /^\s*\[\[?\s*([^\]]+?)\s*\]/.exec(line)?.[1]?.replaceAll(/\s|"/g, "");
    if (head !== undefined) isDropping = head === name || head.startsWith(`${name}.`);
    return !isDropping;
  });
  return kept.join("\n");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, sorted(item)] as const)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  );
}

function indentOf(text: string): number {
  return /^( +)\S/m.exec(text)?.[1]?.length ?? 2;
}

function assertTable(value: unknown, message: string): asserts value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new UnmergeableError(message);
}

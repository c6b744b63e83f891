import type { Environment } from "../../contract/environment.js";
import type { ResultOf } from "../../contract/operations.js";
import { printable } from "./printable.js";
import { renderKind } from "./saved.js";
import { renderShort } from "./size.js";
import { renderAge, renderTable } from "./task.js";

/** The number of digits shown of a digest, enough to tell environments apart. */
const SHOWN_DIGITS = 12;

/** The environments in columns. */
export function renderEnvironments({ catalog_version, environments }: ResultOf<"env.list">, now: number): string {
  const rows = environments.map((environment) => renderRow(environment, now).map(printable));
  const table = renderTable([["NAME", "STATE", "SIZE", "AGE", "DIGEST", "ORIGIN", "DESCRIPTION"], ...rows]);
  return `Catalog version: ${printable(catalog_version)}\n${table}`;
}

function renderRow(environment: Environment, now: number): string[] {
  const { name, size_bytes: size, pulled_at, description, moved_to } = environment;
  const bytes = size === undefined ? "-" : renderShort(size);
  const age = pulled_at === undefined ? "-" : renderAge(pulled_at, now);
  const moved = moved_to ? `; its tag has moved to ${shortDigest(moved_to)}` : "";
  return [name, stateOf(environment), bytes, age, digestOf(environment), originOf(environment), description + moved];
}

function stateOf({ built, saved, installed }: Environment): string {
  if (built) return "built";
  if (saved) return renderKind(saved);
  return installed ? "installed" : "not installed";
}

/** The digest that a registry has for an image; that of the files for another environment. */
function digestOf({ source_digest, digest }: Environment): string {
  const shown = source_digest ?? digest;
  return shown === undefined ? "-" : shortDigest(shown);
}

function originOf({ name, source, built, saved }: Environment): string {
  if (built) return `build on ${built.base}`;
  if (saved) return saved.task_id ?? "import";
  if (source === name) return "registry";
  return source.startsWith("/") ? "file" : "Debian packages";
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, "").slice(0, SHOWN_DIGITS);
}

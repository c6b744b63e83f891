import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The fields that Kubernetes 1.20 and 1.30 both know, of the kinds that pyro uses: for each type its fields, each with the type of its
 * value; "*" for a map and "" for anything else. From the OpenAPI description of 1.20 and the published types of 1.30.
 */
const known = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../../test/deploy/known-fields.json", import.meta.url)), "utf8"),
) as { readonly roots: Record<string, string>; readonly types: Record<string, Record<string, string>> };

/** The paths of an object of Kubernetes that no version of both knows. */
export function findUnknownFields(object: Readonly<Record<string, unknown>>): string[] {
  const root = known.roots[`${String(object["apiVersion"])}/${String(object["kind"])}`];
  if (root === undefined) return [`${String(object["apiVersion"])} ${String(object["kind"])}`];
  return findBelow(object, root, "");
}

function findBelow(value: unknown, type: string, path: string): string[] {
  if (type === "" || type === "*" || value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap((each, index) => findBelow(each, type, `${path}[${index}]`));
  const fields = known.types[type]!;
  return Object.entries(value).flatMap(([name, below]) => {
    const field = fields[name];
    return field === undefined ? [`${path}.${name}`] : findBelow(below, field, `${path}.${name}`);
  });
}

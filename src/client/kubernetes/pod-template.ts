import { resolve } from "node:path";

import { parse } from "yaml";

import { PyroError } from "../../contract/errors.js";
import { readFile } from "../../host/files.js";
import { fieldsOf, type Fields } from "./pod-spec.js";

/** Reads a manifest of a pod, in YAML or JSON. Throws SOURCE_NOT_FOUND, INVALID_ARGUMENT. */
export async function readPodTemplate(path: string): Promise<Fields> {
  const whole = resolve(path);
  const text = await readFile(whole, "utf8").catch((error: unknown) => {
    throw new PyroError("SOURCE_NOT_FOUND", `The pod template ${whole} cannot be read: ${(error as Error).message}.`);
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw unusable(whole, (error as Error).message.split("\n")[0] ?? "it is not YAML");
  }
  const { kind = "Pod", metadata, spec } = fieldsOf(value);
  if (kind !== "Pod") throw unusable(whole, "its kind is not Pod");
  if (spec === undefined && metadata === undefined) throw unusable(whole, "it has neither metadata nor spec");
  return { ...(metadata !== undefined && { metadata }), ...(spec !== undefined && { spec }) };
}

function unusable(path: string, why: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The pod template ${path} cannot be used: ${why.replace(/\.$/, "")}.`, {
    hint: "Give a manifest of a pod; its container named pyro gets pyro's image (docs/kubernetes.md).",
    details: { path },
  });
}

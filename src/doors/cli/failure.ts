import { PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import { printable } from "./printable.js";
import type { Print } from "./streams.js";

/** Prints an error, as text on standard error or as JSON on standard output, and gives the exit status. */
export async function reportFailure(
  thrown: unknown,
  json: boolean,
  print: Print = (stream, text) => process[stream].write(text),
): Promise<number> {
  const error = thrown instanceof PyroError ? thrown : await describeBug(thrown);
  if (json) print("stdout", `${JSON.stringify({ error: error.toBody() })}\n`);
  else print("stderr", renderFailure(error));
  // 130 is for Ctrl-C, which does not come here: this call was aborted by somebody else.
  if (error.code === "ABORTED") return 125;
  return readContract().exitStatuses[error.code] ?? 125;
}

/** What this process did not foresee: one line, and the log that has the stack. */
async function describeBug(thrown: unknown): Promise<PyroError> {
  const error = PyroError.from(thrown);
  if (error.code !== "INTERNAL") return error;
  const { recordCrash } = await import("../../client/record-crash.js");
  const log = recordCrash(thrown);
  const [message = ""] = error.message.split("\n");
  const hint = log === null ? "This is a bug in pyro." : `This is a bug in pyro; the end of ${log} has the details.`;
  return new PyroError("INTERNAL", message, { hint, details: log === null ? {} : { log }, cause: thrown });
}

/** Names and words of a guest may be in it. */
function renderFailure({ message, details, hint }: PyroError): string {
  const facts = Object.entries(details)
    .filter(([, value]) => typeof value === "string" || typeof value === "number")
    .filter(([, value]) => value !== "" && !message.includes(String(value)) && !hint.includes(String(value)))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}\n`);
  const lines = `pyro: ${message}\n${facts.join("")}hint: ${hint}`.split("\n");
  return `${lines.map(printable).join("\n")}\n`;
}

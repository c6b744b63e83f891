import { PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import type { Print } from "./streams.js";

/** Prints an error, as text on standard error or as JSON on standard output. Returns the exit status. */
export async function reportFailure(
  thrown: unknown,
  json: boolean,
  print: Print = (stream, text) => process[stream].write(text),
): Promise<number> {
  const error = thrown instanceof PyroError ? thrown : await describeBug(thrown);
  if (json) print("stdout", jsonLine({ error: error.toBody() }));
  else print("stderr", renderFailure(error));
  // 130 stands for Ctrl-C, which is handled elsewhere. Here another client aborted the call.
  if (error.code === "ABORTED") return 125;
  return readContract().exitStatuses[error.code] ?? 125;
}

/** An unexpected error: one line, and the path of the log with its stack. */
async function describeBug(thrown: unknown): Promise<PyroError> {
  const error = PyroError.from(thrown);
  if (error.code !== "INTERNAL") return error;
  const { recordCrash } = await import("../../client/record-crash.js");
  const log = recordCrash(thrown);
  const [message = ""] = error.message.split("\n");
  const hint = log === null ? "This is a bug in pyro." : `This is a bug in pyro; details are at the end of ${log}.`;
  return new PyroError("INTERNAL", message, { hint, details: log === null ? {} : { log }, cause: thrown });
}

/** The error may contain text from a guest, so control characters are escaped. */
function renderFailure({ message, details, hint }: PyroError): string {
  const facts = Object.entries(details)
    .filter(([, value]) => typeof value === "string" || typeof value === "number")
    .filter(([, value]) => value !== "" && !message.includes(String(value)) && !hint.includes(String(value)))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}\n`);
  const lines = `pyro: ${message}\n${facts.join("")}hint: ${hint}`.split("\n");
  return `${lines.map(printable).join("\n")}\n`;
}

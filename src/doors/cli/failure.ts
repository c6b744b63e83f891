import { PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";

/** Tells of an error, as text on standard error or as JSON on standard output, and gives the exit status. */
export function reportFailure(thrown: unknown, json: boolean): number {
  const error = PyroError.from(thrown);
  if (json) process.stdout.write(`${JSON.stringify({ error: error.toBody() })}\n`);
  else process.stderr.write(renderFailure(error));
  // 130 is for Ctrl-C, which does not come here: this call was aborted by somebody else.
  if (error.code === "ABORTED") return 125;
  return readContract().exitStatuses[error.code] ?? 125;
}

function renderFailure({ message, details, hint }: PyroError): string {
  const facts = Object.entries(details)
    .filter(([, value]) => typeof value === "string" || typeof value === "number")
    .filter(([, value]) => value !== "" && !message.includes(String(value)) && !hint.includes(String(value)))
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}\n`);
  return `pyro: ${message}\n${facts.join("")}hint: ${hint}\n`;
}

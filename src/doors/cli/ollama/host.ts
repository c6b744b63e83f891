import { PyroError } from "../../../contract/errors.js";

const DEFAULT_PORT = "11434";

/** The URL of the Ollama server in OLLAMA_HOST, parsed as Ollama does. Throws INVALID_ARGUMENT. */
export function parseOllamaHost(text: string | undefined): URL {
  const given = (text ?? "").trim().replace(/^["']|["']$/g, "");
  const hasScheme = /^https?:\/\//.test(given);
  const bare = given.replace(/^https?:\/\//, "");
  const withHost = bare === "" || bare.startsWith(":") ? `127.0.0.1${bare}` : bare;
  const scheme = hasScheme ? given.slice(0, given.indexOf(":")) : "http";
  const url = parseUrl(`${scheme}://${withHost}`, given);
  const hasPort = /:\d+(\/|$)/.test(withHost);
  if (!hasScheme && !hasPort) url.port = DEFAULT_PORT;
  // A server may listen on the unspecified address; a client must connect to a concrete one.
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function parseUrl(text: string, given: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw new PyroError("INVALID_ARGUMENT", `OLLAMA_HOST is not an address: ${given}.`, {
      hint: "Set it to a host and a port, such as 127.0.0.1:11434.",
      cause: error,
    });
  }
}

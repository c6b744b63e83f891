import { PyroError } from "../../contract/errors.js";

/** The condition for a service to be ready. */
export type Condition =
  | HttpCondition
  | TcpCondition
  | TextCondition<"file">
  | TextCondition<"command">
  | TextCondition<"log">;

export interface HttpCondition {
  readonly kind: "http";
  readonly port: number;
  readonly path: string;
}
export interface TcpCondition {
  readonly kind: "tcp";
  readonly port: number;
}
export interface TextCondition<Kind extends string> {
  readonly kind: Kind;
  readonly text: string;
}

const PORT_MAX = 65_535;

/** Parses a condition whose shape the contract has checked. Throws INVALID_ARGUMENT for an invalid port. */
export function parseCondition(given: string): Condition {
  const colon = given.indexOf(":");
  const [kind, text] = [given.slice(0, colon), given.slice(colon + 1)];
  if (kind === "tcp") return { kind, port: parsePort(text, "ready") };
  if (kind === "log") return { kind, text };
  if (kind === "file") return { kind, text };
  if (kind === "command") return { kind, text };
  const slash = text.indexOf("/");
  return { kind: "http", port: parsePort(text.slice(0, slash), "ready"), path: text.slice(slash) };
}

/** Parses a port of the input field. Throws INVALID_ARGUMENT. */
export function parsePort(text: string, field: string): number {
  const port = Number(text);
  if (port >= 1 && port <= PORT_MAX) return port;
  throw new PyroError("INVALID_ARGUMENT", `${field}: ${text} is not a port.`, {
    hint: `A port is a number from 1 to ${PORT_MAX}.`,
  });
}

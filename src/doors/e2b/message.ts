import { ConnectError, type Message } from "./connect.js";

/** Fields of messages in the JSON of protobuf: a missing field has its default. */

export function textOf(message: Message, name: string): string {
  const value = message[name] ?? "";
  if (typeof value === "string") return value;
  throw new ConnectError("invalid_argument", `${name} is not a string`);
}

export function flagOf(message: Message, name: string): boolean {
  const value = message[name] ?? false;
  if (typeof value === "boolean") return value;
  throw new ConnectError("invalid_argument", `${name} is not a boolean`);
}

/** A whole number from 0 on; 64-bit ones come as text. */
export function countOf(message: Message, name: string): number {
  const value = Number(message[name] ?? 0);
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff) return value;
  throw new ConnectError("invalid_argument", `${name} is not a whole number`);
}

/** A message within a message; null when it is missing. */
export function partOf(message: Message, name: string): Message | null {
  const value = message[name] ?? null;
  if (value === null) return null;
  if (typeof value === "object" && !Array.isArray(value)) return value as Message;
  throw new ConnectError("invalid_argument", `${name} is not an object`);
}

export function textsOf(message: Message, name: string): readonly string[] {
  const value = message[name] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new ConnectError("invalid_argument", `${name} is not a list of strings`);
}

/** An object of texts. */
export function pairsOf(message: Message, name: string): Readonly<Record<string, string>> {
  const value = partOf(message, name) ?? {};
  if (Object.values(value).every((item) => typeof item === "string")) return value as Record<string, string>;
  throw new ConnectError("invalid_argument", `${name} is not a map of strings`);
}

/** Bytes: base64 in either alphabet. */
export function bytesOf(message: Message, name: string): Buffer {
  const text = textOf(message, name);
  if (/^[A-Za-z0-9+/_-]*={0,2}$/.test(text))
    return Buffer.from(text.replaceAll("-", "+").replaceAll("_", "/"), "base64");
  throw new ConnectError("invalid_argument", `${name} is not base64`);
}

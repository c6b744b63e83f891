import { createHash } from "node:crypto";

import { isSameSecret } from "../guard.js";

/** What a link to a file allows. */
export interface Link {
  readonly path: string;
  readonly operation: "read" | "write";
  readonly username: string;
  /** In Unix seconds, as it is in the link; null for a link without an end. */
  readonly expiration: string | null;
  readonly signature: string;
}

/** The signature of a link: with the token of its sandbox. */
export function signLink({ path, operation, username, expiration }: Omit<Link, "signature">, token: string): string {
  const text = `${path}:${operation}:${username}:${token}${expiration === null ? "" : `:${expiration}`}`;
  return `v1_${createHash("sha256").update(text).digest("base64").replace(/=+$/, "")}`;
}

export function isSignedWith(link: Link, token: string): boolean {
  return isSameSecret(link.signature, signLink(link, token));
}

export function isExpired({ expiration }: Link, nowMs: number): boolean {
  return expiration !== null && !(Number(expiration) * 1000 >= nowMs);
}

/** The link in a query; null when it has no signature. */
export function readLink(query: URLSearchParams, method: string | undefined): Link | null {
  const signature = query.get("signature");
  if (signature === null) return null;
  return {
    path: query.get("path") ?? "",
    operation: method === "POST" ? "write" : "read",
    username: query.get("username") ?? "",
    expiration: query.get("signature_expiration"),
    signature,
  };
}

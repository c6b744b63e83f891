import { createCipheriv, createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { type MadeImage, sha256 } from "../image/saved.js";

/** Answers a request in place of the registry; returns true when it has answered. */
type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface RegistryDouble {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Each request, as `METHOD PATH`, followed by its range. */
  readonly requests: string[];
  /** Runs before each answer. */
  intercept: Answer;
  /** Points a tag at a document: an index, or the manifest of an image. */
  tag(name: string, document: Buffer, mediaType: string): void;
  push(image: MadeImage, tag?: string): void;
}

export const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** A registry of one repository, `me/tool`, on loopback without TLS. */
export async function registryDouble(context: TestContext): Promise<RegistryDouble> {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, { bytes: Buffer; mediaType: string }>();
  const server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    const range = request.headers.range;
    double.requests.push(`${method} ${url.replace("/v2/me/tool/", "")}${range ? ` ${range}` : ""}`);
    if (double.intercept(request, response)) return;
    const [, kind, name = ""] = /^\/v2\/me\/tool\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const manifest = kind === "manifests" ? manifests.get(name) : undefined;
    const blob = kind === "blobs" ? blobs.get(name) : manifest?.bytes;
    if (!blob) return void sendError(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    if (manifest) {
      response.setHeader("content-type", manifest.mediaType);
      response.setHeader("docker-content-digest", sha256(manifest.bytes));
    }
    sendFrom(response, method, blob, Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const tag = (name: string, bytes: Buffer, mediaType: string) => {
    for (const key of [name, sha256(bytes)]) manifests.set(key, { bytes, mediaType });
  };
  const double: RegistryDouble = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    intercept: () => false,
    tag,
    push: (image, name = "latest") => {
      for (const [digest, bytes] of image.blobs) blobs.set(digest, bytes);
      tag(name, image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0), MANIFEST);
    },
  };
  return double;
}

function sendFrom(response: ServerResponse, method: string, bytes: Buffer, from: number): void {
  if (from > 0) response.setHeader("content-range", `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from });
  response.end(method === "HEAD" ? undefined : bytes.subarray(from));
}

export function sendError(response: ServerResponse, status: number, code: string, message: string): true {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
  return true;
}

/** Bytes that gzip cannot make smaller, the same for the same seed. */
export function noise(sizeBytes: number, seed: string): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

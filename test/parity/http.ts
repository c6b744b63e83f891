import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { readContract } from "../../src/contract/rendered.js";
import { routeOf, versionHeader } from "../../src/contract/wire.js";
import type { Answer, Place, Runner } from "./runner.js";

interface Line {
  readonly event?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: string };
}

/** HTTP as docs/http.md describes it, without the client. */
export function openHttp({ home }: Place): Runner {
  return {
    name: "HTTP",
    // Problems that a client finds in its source before it sends a byte do not exist over HTTP.
    offers: ({ clientOnly }) => !clientOnly,
    async call({ operation, input, stdin, cancel }): Promise<Answer> {
      const upload =
        input["source_path"] === undefined ? null : pack(String(input["source_path"]), stdin !== undefined);
      const body = { ...input, ...upload?.facts };
      const socketPath = join(home, "run", "daemon.sock");
      const headers = { [versionHeader]: readContract().version };
      const post = request({ socketPath, path: routeOf(operation), method: "POST", headers, agent: false });
      const answered = new Promise<IncomingMessage>((resolve, reject) =>
        post.on("response", resolve).on("error", reject),
      );
      post.write(`${JSON.stringify(body)}\n`);
      if (upload) post.write(upload.bytes);
      if (stdin !== undefined) post.write(`${JSON.stringify({ stdin: Buffer.from(stdin).toString("base64") })}\n`);
      if (!cancel) post.end();
      else if (operation === "task.exec") post.write('{"stdin_end":true}\n');
      const response = await answered;
      for await (const text of createInterface({ input: response })) {
        const line = JSON.parse(text) as Line;
        if (cancel && (line.event === "stdout" || line.event === "progress")) post.end('{"cancel":true}\n');
        if (line.event === "result") return { result: line.result! };
        if (line.error) return { error: line.error } as Answer;
        if (line.event === undefined) return { result: line as Record<string, unknown> };
      }
      throw new Error("the answer ended without a result");
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** The archive that follows an input, and its headers. As raw bytes it fills the rest of the body; with more after it, it is framed. */
function pack(path: string, isFramed: boolean) {
  const bytes = readArchive(path);
  const facts = statSync(path).isDirectory() ? { source_kind: "directory" } : {};
  if (!isFramed) return { bytes, facts };
  const framed = [`{"source":${bytes.length}}\n`, bytes, '{"source_end":true}\n'].map((part) => Buffer.from(part));
  return { bytes: Buffer.concat(framed), facts: { ...facts, source_framed: true } };
}

function readArchive(path: string): Buffer {
  if (!statSync(path).isDirectory()) return readFileSync(path);
  const names = readdirSync(path).toSorted();
  return spawnSync("tar", ["--sort=name", "--create", ...names], { cwd: path, maxBuffer: 1 << 26 }).stdout;
}

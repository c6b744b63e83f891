import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { quoteCommand } from "../../src/client/quote.js";
import { readContract } from "../../src/contract/rendered.js";
import { routeOf, versionHeader } from "../../src/contract/wire.js";
import type { Answer, Place, Runner } from "./runner.js";

interface Line {
  readonly event?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: string };
}

/** HTTP as docs/http.md says it, without the client. */
export function openHttp({ home }: Place): Runner {
  return {
    name: "HTTP",
    // What a client finds in its source before it sends a byte is no matter of HTTP.
    offers: ({ clientOnly }) => !clientOnly,
    async call({ operation, input, stdin, cancel }): Promise<Answer> {
      const { command } = input;
      const upload = input["source_path"] === undefined ? null : pack(String(input["source_path"]));
      const line = Array.isArray(command) ? { command: quoteCommand(command as string[]) } : {};
      const body = { ...input, ...line, ...upload?.facts };
      const socketPath = join(home, "run", "daemon.sock");
      const headers = { [versionHeader]: readContract().version };
      const post = request({ socketPath, path: routeOf(operation), method: "POST", headers, agent: false });
      const answered = new Promise<IncomingMessage>((resolve, reject) =>
        post.on("response", resolve).on("error", reject),
      );
      post.write(`${JSON.stringify(body)}\n`);
      if (stdin !== undefined) post.write(`${JSON.stringify({ stdin: Buffer.from(stdin).toString("base64") })}\n`);
      if (upload) post.write(upload.bytes);
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

/** The raw bytes behind an input, and what is said of them there. */
function pack(path: string) {
  if (!statSync(path).isDirectory()) return { bytes: readFileSync(path), facts: {} };
  const names = readdirSync(path).toSorted();
  const tar = spawnSync("tar", ["--sort=name", "--create", ...names], { cwd: path, maxBuffer: 1 << 26 });
  return { bytes: tar.stdout, facts: { source_kind: "directory" } };
}

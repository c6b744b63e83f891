import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { WebClient } from "../../src/host/web.js";

test("a server that is silent before or within its answer ends the request, and the error says so", async (context) => {
  const server = createServer(({ url }, response) => {
    if (url === "/within") response.writeHead(200, { "content-length": 2 }).write("a");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = new WebClient([], {}, 200);
  context.after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  const read = async (path: string) => {
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    const { body } = await client.request(url, { signal: new AbortController().signal });
    let text = "";
    for await (const piece of body) text += String(piece);
    return text;
  };
  for (const path of ["/before", "/within"])
    await assert.rejects(read(path), { code: "ETIMEDOUT", message: "it has sent nothing for 0.2 seconds" }, path);
});
